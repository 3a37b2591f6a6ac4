"""The owner's grant on a server or folder: which namespaces may use it, in which role (the first fence)."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from adit.api.fields import Namespace
from adit.api.model import Model
from adit.api.rules import Rule, validations

Role = Literal["Source", "Destination"]


NAMES = Rule(
    "(has(self.from) && self.from == 'Names') == (has(self.names) && self.names.size() > 0)",
    "names must be given exactly when from is Names",
)


class ConsumerNamespaces(Model):
    """Which namespaces a grant speaks of; `from: Names` lists them."""

    model_config = ConfigDict(json_schema_extra=validations(NAMES))

    origin: Annotated[Literal["Same", "All", "Names"], Field(alias="from")] = "Same"
    """Same: the owner's namespace only; All: every namespace; Names: those listed."""
    names: Annotated[tuple[Namespace, ...], Field(max_length=100)] = ()
    """The namespaces, with `from: Names`."""

    @model_validator(mode="after")
    def _names_only_with_names(self) -> "ConsumerNamespaces":
        if (self.origin == "Names") != bool(self.names):
            raise ValueError(NAMES.message)
        return self


class Consumer(Model):
    """One grant."""

    namespaces: ConsumerNamespaces = ConsumerNamespaces()
    """Who is granted."""
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=2)] = ("Source", "Destination")
    """As what it may be used."""
    require_pseudonymization: bool = False
    """Whether only pseudonymized data may be moved under this grant."""
