"""The CustomResourceDefinitions, rendered from the models: `python -m adit.api.crd FOLDER` writes them."""

import sys
from pathlib import Path
from typing import Any

import yaml

from adit.api.columns import COLUMNS, SELECTABLE
from adit.api.immutability import transition_rules
from adit.api.pseudonymization_profile import NOT_BUILT_IN
from adit.api.resource import RESOURCES
from adit.api.rules import VALIDATIONS, Rule
from adit.api.schema import Schema, structural
from adit.cluster.kinds import KINDS, Kind

HEADER = "# Written by `make crds` from the models in core/adit/api: change those, not this file.\n"
# A name is copied into labels and into the names of what belongs to the object, so it is held to a label's length.
OF_NAMES = {"PseudonymizationProfile": (NOT_BUILT_IN,)}
NAME = Rule("self.metadata.name.size() <= 63", "metadata.name may have at most 63 characters")


def render_all() -> dict[str, str]:
    """The YAML of every CRD by its file's name, such as transferjobs.adit.dev.yaml."""
    return {f"{KINDS[name].plural}.{KINDS[name].group}.yaml": render(KINDS[name]) for name in RESOURCES}


def render(kind: Kind) -> str:
    """The YAML of one kind's CRD."""
    document = yaml.safe_dump(definition(kind), sort_keys=False, width=110, allow_unicode=True)
    return HEADER + document


def definition(kind: Kind) -> dict[str, Any]:
    """The CRD of one kind."""
    schema = object_schema(kind)
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [column.document() for column in COLUMNS[kind.name]],
        "selectableFields": [{"jsonPath": path} for path in SELECTABLE[kind.name]],
        **({"subresources": {"status": {}}} if "status" in schema["properties"] else {}),
        "schema": {"openAPIV3Schema": without_defaults_in_lists(schema)},
    }
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [kind.short],
        "categories": ["dicom"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}", "labels": {"app.kubernetes.io/part-of": "adit"}},
        "spec": {"group": kind.group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def object_schema(kind: Kind) -> Schema:
    """The schema of a whole object: metadata is Kubernetes' own, the spec carries the rules of change."""
    schema = structural(RESOURCES[kind.name])
    spec, status = schema["properties"]["spec"], schema["properties"].get("status", {})
    rules = [*spec.get(VALIDATIONS, []), *(rule.document() for rule in transition_rules(kind.name))]
    return {
        "description": schema["description"],
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "maxLength": 100},
            "kind": {"type": "string", "maxLength": 63},
            "metadata": {"type": "object"},
            "spec": {**spec, **({VALIDATIONS: rules} if rules else {})},
            **({"status": {name: value for name, value in status.items() if name != "default"}} if status else {}),
        },
        VALIDATIONS: [rule.document() for rule in (NAME, *OF_NAMES.get(kind.name, ()))],
    }


def without_defaults_in_lists(schema: Schema, *, listed: bool = False) -> Schema:
    """The schema without the defaults of what stands in lists; programs that read know them.

    `kubectl apply` and GitOps tools compare a list as a whole: a default that the API server filled in there would be
    a difference to the manifest for ever.
    """
    node = {name: value for name, value in schema.items() if name != "default" or not listed}
    if "properties" in node:
        fields = node["properties"].items()
        node["properties"] = {name: without_defaults_in_lists(field, listed=listed) for name, field in fields}
    if "items" in node:
        node["items"] = without_defaults_in_lists(node["items"], listed=True)
    return node


def write_all(texts: dict[str, str], arguments: list[str], program: str) -> int:
    """Write texts into the folder that a program's only argument names; the exit code."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: python -m {program} FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


def main(arguments: list[str]) -> int:
    """Write every CRD into the folder."""
    return write_all(render_all(), arguments, "adit.api.crd")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
