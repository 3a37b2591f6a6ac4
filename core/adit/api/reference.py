"""The reference pages of our kinds, rendered from the same schemas: `python -m adit.api.reference FOLDER`."""

import sys
from collections.abc import Iterator

from adit.api.columns import SELECTABLE
from adit.api.crd import object_schema, write_all
from adit.api.fields import SENTENCES
from adit.api.immutability import VERBS
from adit.api.resource import RESOURCES
from adit.api.rules import VALIDATIONS
from adit.api.schema import Schema
from adit.cluster.kinds import KINDS, Kind

HEADER = "<!-- Written by `make crds` from the models in core/adit/api: change those, not this file. -->\n"


def pages() -> dict[str, str]:
    """The Markdown of every kind's page by its file's name, such as transferjob.md."""
    return {f"{name.lower()}.md": page(KINDS[name]) for name in RESOURCES}


def page(kind: Kind) -> str:
    """One kind: what it is, what may change, every field of spec and status, and the rules between them."""
    schema = object_schema(kind)
    spec, status = schema["properties"]["spec"], schema["properties"].get("status")
    parts = [HEADER, f"# {kind.name}\n", f"{schema['description']}\n", f"{_handling(kind)}\n"]
    parts += ["## spec\n", f"{spec['description']}\n", _table(spec)]
    if rules := list(_rules("spec", spec)):
        parts += ["## Rules\n", "\n".join(rules) + "\n"]
    if status is not None:
        parts += ["## status\n", f"{status['description']}\n", _table(status)]
    return "\n".join(parts)


def _handling(kind: Kind) -> str:
    verbs = VERBS.get(kind.name)
    fields = ", ".join(f"`{path.removeprefix('.')}`" for path in SELECTABLE[kind.name])
    if verbs is None:
        change = "Every field may change."
    elif not verbs:
        change = "No field may change; a new version is a new object of another name."
    else:
        change = f"Only {', '.join(f'`{verb}`' for verb in verbs)} may change; for anything else, make a new one."
    return (
        f"`apiVersion: {kind.api_version}`, short name `{kind.short}`, category `dicom`. {change}\n"
        f"`kubectl get {kind.plural} --field-selector` knows {fields}."
    )


def _table(schema: Schema) -> str:
    rows = [
        f"| `{path}` | {_type(node)} | {_meaning(node, required=needed)} |" for path, node, needed in _fields(schema)
    ]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows]) + "\n"


def _fields(schema: Schema, before: str = "") -> Iterator[tuple[str, Schema, bool]]:
    for name, node in schema.get("properties", {}).items():
        path = f"{before}{name}"
        yield path, node, name in schema.get("required", [])
        yield from _fields(node.get("items", node), f"{path}[]." if "items" in node else f"{path}.")


def _type(node: Schema) -> str:
    if node["type"] == "array":
        least = f"{node['minItems']}–" if "minItems" in node else "≤"
        return f"list of {least}{node['maxItems']} {_type(node['items'])}"
    if "enum" in node:
        return " \\| ".join(f"`{str(one).lower() if one is True else one}`" for one in node["enum"])
    if node["type"] == "integer":
        low, high = node.get("minimum"), node.get("maximum")
        limits = {(False, False): "", (True, False): f" ≥{low}", (False, True): f" ≤{high}"}
        return f"integer{limits.get((low is not None, high is not None), f' {low}–{high}')}"
    return f"string ≤{node['maxLength']}" if node["type"] == "string" else str(node["type"])


def _meaning(node: Schema, *, required: bool) -> str:
    words = [node.get("description", "")]
    form = SENTENCES.get(node.get("pattern", node.get("items", {}).get("pattern", "")), "")
    if "(" in form:
        allowed = form.partition("(")[2].removesuffix(")").replace("*", "\\*")
        words.append(f"Form: {allowed}{'' if allowed.endswith('.') else '.'}")
    if required:
        words.append("**Required.**")
    if node.get("default") not in (None, [], {}, "") and node["type"] != "object":
        default = node["default"]
        shown = ", ".join(default) if isinstance(default, list) else str(default)
        words.append(f"Default `{shown.lower() if isinstance(default, bool) else shown}`.")
    return " ".join(word for word in words if word)


def _rules(path: str, schema: Schema) -> Iterator[str]:
    for rule in schema.get(VALIDATIONS, []):
        yield f"- `{path}`: {rule['message']}"
    for name, node in schema.get("properties", {}).items():
        yield from _rules(f"{path}.{name}", node)
    if "items" in schema:
        yield from _rules(f"{path}[]", schema["items"])


def main(arguments: list[str]) -> int:
    """Write every page into the folder."""
    return write_all(pages(), arguments, "adit.api.reference")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
