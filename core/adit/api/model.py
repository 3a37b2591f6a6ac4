"""The base of every API model: frozen, strict, camelCase in YAML and JSON, unknown fields refused."""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

GROUP = "adit.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


class Model(BaseModel):
    """A value of the API; made from a manifest, never changed."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    @classmethod
    def of(cls, value: Any) -> Self:
        """Read from JSON-like data as strictly as the API server would (no coercion of "3" to 3, no snake_case)."""
        return cls.model_validate_json(json.dumps(value), strict=True, by_alias=True, by_name=False)

    def manifest(self) -> dict[str, Any]:
        """The JSON form, without what was never set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
