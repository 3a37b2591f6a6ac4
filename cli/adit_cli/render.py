"""Puts manifests on the screen: a table, or YAML and JSON with every Secret's value hidden."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import yaml

from adit.api.yaml_text import plain
from adit_cli.columns import COLUMNS, Column, at
from adit_cli.plain_table import plain_table

HIDDEN = "(hidden)"


class _Dumper(yaml.SafeDumper):
    """Quotes each text that some reader of YAML takes for something else, such as the tag 00081030."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain(text) == text else "'")


_Dumper.add_representer(str, _text)


def table(kind: str, manifests: Sequence[Mapping[str, Any]], now: datetime, *, wide: bool, namespaced: bool) -> str:
    """The table of `adit get`."""
    columns = [column for column in COLUMNS[kind] if wide or not column.wide]
    if namespaced:
        columns = [Column("NAMESPACE", at("metadata", "namespace")), *columns]
    rows = ([column.cell(manifest, now) for column in columns] for manifest in manifests)
    return plain_table([column.heading for column in columns], rows)


def without_secrets(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest as it may be printed: no managed fields, and no value of a Secret."""
    shown = {key: value for key, value in manifest.items() if key not in {"data", "stringData"}}
    metadata = dict(manifest["metadata"])
    metadata.pop("managedFields", None)
    shown["metadata"] = metadata
    if manifest["kind"] == "Secret":
        for field in ("data", "stringData"):
            if field in manifest:
                shown[field] = dict.fromkeys(manifest[field], HIDDEN)
    elif "data" in manifest:
        shown["data"] = manifest["data"]
    return shown


def as_yaml(manifests: Sequence[Mapping[str, Any]]) -> str:
    """Documents that `adit run` reads again (status is ignored there, hidden values are refused)."""
    shown = [without_secrets(manifest) for manifest in manifests]
    return str(yaml.dump_all(shown, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def as_json(manifests: Sequence[Mapping[str, Any]]) -> str:
    """One object, or a List of them."""
    shown = [without_secrets(m) for m in manifests]
    document: Any = shown[0] if len(shown) == 1 else {"apiVersion": "v1", "kind": "List", "items": shown}
    return json.dumps(document, indent=2, ensure_ascii=False)
