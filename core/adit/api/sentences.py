"""What is wrong with a value, as a field path and a short sentence for people; the value itself is never repeated."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adit.api.fields import SENTENCES
from adit.api.model import Model
from adit.api.schema import Schema, field_at, structural
from adit.api.yaml_text import Path, Unquoted

# What a person must write where something required is missing and the name alone does not say it.
HOW_TO_WRITE: dict[str, str] = {
    "spec.pseudonymization": (
        "required: write {profile: basic} to pseudonymize, or {identified: true, reason: …} to send the data as it is"
    ),
}
_OF_TYPE = {
    "string": "must be a string",
    "integer": "must be a whole number",
    "number": "must be a number",
    "boolean": "must be true or false",
    "array": "must be a list",
    "object": "must be a mapping",
}
_TYPE_ERRORS = {"int_type", "int_from_float", "bool_type", "tuple_type", "model_type", "dict_type"}
_LONGEST_KEY = 60


def dotted(path: Path) -> str:
    """A path as people write it: spec.tasks[3].patientId, metadata.labels["adit.dev/purpose"]."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier() and len(step) <= _LONGEST_KEY:
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step[:_LONGEST_KEY], ensure_ascii=True)}]"
    return text


def problems_of(model: type[Model], value: Any) -> Iterator[tuple[Path, str]]:
    """Where a value read from YAML does not fit a model, and why; nothing where it fits."""
    try:
        model.of(_json(value))
    except ValidationError as error:
        schema = structural(model)
        for detail in error.errors(include_url=False):
            if not _follows_from_others(detail):
                yield _explained(detail, value, schema)


def similar(word: str, known: Iterable[str]) -> str:
    """' (did you mean "tasks"?)' where a known word is near, else nothing."""
    by_folded = {one.replace("_", "").lower(): one for one in known}
    near = difflib.get_close_matches(word.replace("_", "").lower(), by_folded, n=1, cutoff=0.7)
    return f' (did you mean "{by_folded[near[0]]}"?)' if near else ""


def _json(value: Any) -> Any:
    """The value for the model: what is Unquoted becomes what no field takes."""
    match value:
        case Unquoted():
            return {"": None}
        case dict():
            return {key: _json(field) for key, field in value.items()}
        case list():
            return [_json(item) for item in value]
        case _:
            return value


def _explained(detail: ErrorDetails, value: Any, schema: Schema) -> tuple[Path, str]:
    path: Path = detail["loc"]
    for length in range(len(path) + 1):
        if isinstance(_at(value, path[:length]), Unquoted):
            field = field_at(schema, path[:length]) or {}
            return path[:length], _unquoted(field)
    if path and path[-1] == "[key]":
        return path[:-1], SENTENCES.get(detail.get("ctx", {}).get("pattern", ""), "a key of this form is not taken")
    return path, _sentence(detail, path, schema)


def _follows_from_others(detail: ErrorDetails) -> bool:
    """Whether a list only seems too short because its items are wrong themselves."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _unquoted(field: Schema) -> str:
    if field.get("type") in ("string", None):
        return "not a string: quote it"
    plainly = ", written plainly in decimals" if field["type"] == "integer" else ""
    return _OF_TYPE[field["type"]] + plainly


def _sentence(detail: ErrorDetails, path: Path, schema: Schema) -> str:
    field = field_at(schema, path) or {}
    kind = detail["type"]
    if kind in _TYPE_ERRORS:
        return _OF_TYPE.get(field.get("type", "object"), _OF_TYPE["object"])
    match kind:
        case "missing":
            return HOW_TO_WRITE.get(dotted(path), "required")
        case "extra_forbidden":
            siblings = (field_at(schema, path[:-1]) or {}).get("properties", {})
            return f"unknown field{similar(str(path[-1]), siblings)}"
        case "string_type":
            return "not a string: quote it" if isinstance(detail["input"], int | float) else _OF_TYPE["string"]
        case "literal_error":
            return f"must be {' or '.join(_as_yaml(one) for one in field.get('enum', []))}"
        case _:
            return _beyond_limits(kind, detail.get("ctx", {}), field) or detail["msg"]


def _beyond_limits(kind: str, limits: dict[str, Any], field: Schema) -> str | None:
    form = SENTENCES.get(field.get("pattern", ""), "")
    noun = limits.get("field_type", "")
    sentences: dict[str, Callable[[], str]] = {
        "string_pattern_mismatch": lambda: form or "does not have the form that it must have",
        "string_too_long": lambda: form if "characters" in form else f"at most {limits['max_length']} characters",
        "too_long": lambda: f"at most {_counted(limits['max_length'], noun)}",
        "too_short": lambda: f"at least {_counted(limits['min_length'], noun)}",
        "greater_than_equal": lambda: f"at least {limits['ge']}",
        "less_than_equal": lambda: f"at most {limits['le']}",
        "value_error": lambda: str(limits["error"]),
    }
    return sentences[kind]() if kind in sentences else None


def _counted(number: int, of: str) -> str:
    one, many = ("entry", "entries") if of == "Dictionary" else ("item", "items")
    return f"{number} {one if number == 1 else many}"


def _as_yaml(word: Any) -> str:
    return word if isinstance(word, str) else json.dumps(word)
