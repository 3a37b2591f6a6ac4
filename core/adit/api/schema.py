"""From a pydantic model to a structural schema, as a CRD must carry it; also what a field's error is explained from.

Structural means: every node has one type, nothing is referred to, and nothing but the value is described. The API
server prunes unknown fields itself, so `additionalProperties: false` has no place in it.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

# The order in which a person reads a node.
ORDER = (
    "description", "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems",
    "maxItems", "minProperties", "maxProperties", "default", "required", "properties", "items",
    "additionalProperties", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
)  # fmt: skip
# What the API server understands of JSON schema and we use; all else is either translated here or refused.
KEPT = {
    "description", "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems",
    "maxItems", "minProperties", "maxProperties", "required", "x-kubernetes-validations",
}  # fmt: skip
DROPPED = {"title", "$defs", "propertyNames"}
TRANSLATED = {"properties", "items", "additionalProperties", "patternProperties", "const", "default"}


@cache
def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model: references inlined, `X | None` made optional, defaults kept."""
    document = model.model_json_schema(by_alias=True)
    return _node(document, document.get("$defs", {}))


def field_at(schema: Schema, path: tuple[int | str, ...]) -> Schema | None:
    """The part of a schema that describes the value at a path; None where the schema knows no such field."""
    node: Schema | None = schema
    for step in path:
        if node is None:
            return None
        node = node.get("items") if isinstance(step, int) else _member(node, step)
    return node


def with_defaults(schema: Schema, value: Any) -> Any:
    """The value as the API server would keep it: absent fields with a default filled in, nulls left out."""
    if isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        given = {name: field for name, field in value.items() if field is not None}
        absent = {n: field["default"] for n, field in fields.items() if "default" in field and n not in given}
        return {n: with_defaults(fields.get(n, {}), field) for n, field in (given | absent).items()}
    if isinstance(value, list) and "items" in schema:
        return [with_defaults(schema["items"], item) for item in value]
    return value


def _member(node: Schema, name: str) -> Schema | None:
    known: Schema | None = node.get("properties", {}).get(name)
    additional = node.get("additionalProperties")
    return known or (additional if isinstance(additional, dict) else None)


def _node(source: Schema, definitions: Schema) -> Schema:
    source = _resolved(source, definitions)
    node = {key: value for key, value in source.items() if key in KEPT}
    unknown = source.keys() - KEPT - DROPPED - TRANSLATED
    if unknown:
        raise ValueError(f"a CRD cannot say {sorted(unknown)}: teach adit.api.schema or change the model")
    if "description" in node:
        node["description"] = _first_sentence(node["description"])
    if "const" in source:
        node["enum"] = [source["const"]]
    if source.get("type") == "integer":
        node["format"] = "int64"
    if source.get("type") == "string" and "enum" in node:
        node["maxLength"] = max(len(word) for word in node["enum"])
    if source.get("default") is not None:
        node["default"] = _without_nulls(source["default"])
    if "properties" in source:
        node["properties"] = {name: _node(field, definitions) for name, field in source["properties"].items()}
    if "items" in source:
        node["items"] = _node(source["items"], definitions)
        _as_list_map(node)
    # A structural schema says nothing of keys; their form is left to the model.
    entries = [source.get("additionalProperties"), *source.get("patternProperties", {}).values()]
    if described := [entry for entry in entries if isinstance(entry, dict)]:
        node["additionalProperties"] = _node(described[0], definitions)
    return {key: node[key] for key in ORDER if key in node}


def _resolved(source: Schema, definitions: Schema) -> Schema:
    """Without references and without `null`: what stands beside a reference wins over what it refers to."""
    if "$ref" in source:
        target = definitions[source["$ref"].removeprefix("#/$defs/")]
        return _resolved({**target, **{key: value for key, value in source.items() if key != "$ref"}}, definitions)
    if "anyOf" in source:
        (choice,) = (one for one in source["anyOf"] if one != {"type": "null"})
        return _resolved({**choice, **{key: value for key, value in source.items() if key != "anyOf"}}, definitions)
    return source


def _as_list_map(node: Schema) -> None:
    """Conditions are merged by their type when several write them (meta/v1)."""
    fields = node["items"].get("properties", {})
    if "lastTransitionTime" in fields and "type" in fields:
        node["x-kubernetes-list-type"] = "map"
        node["x-kubernetes-list-map-keys"] = ["type"]


def _first_sentence(text: str) -> str:
    words = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    head, stop, _ = words.partition(". ")
    return head + "." if stop else words


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(field) for name, field in value.items() if field is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list | tuple) else value
