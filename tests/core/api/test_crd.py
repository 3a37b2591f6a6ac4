"""The CRDs: structural, bounded, current."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from adit.api.columns import COLUMNS, SELECTABLE
from adit.api.crd import definition, main, render_all
from adit.api.fields import SENTENCES
from adit.api.resource import RESOURCES
from adit.api.rules import VALIDATIONS
from adit.api.written import WRITTEN
from adit.cluster.kinds import KINDS

Node = dict[str, Any]
STRUCTURAL = {
    "description", "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems",
    "maxItems", "maxProperties", "required", "properties", "items", "additionalProperties", "default",
    "x-kubernetes-validations", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip
KIND_NAMES = sorted(RESOURCES)


def schema_of(kind: str) -> Node:
    version = definition(KINDS[kind])["spec"]["versions"][0]
    root: Node = version["schema"]["openAPIV3Schema"]
    return root


def nodes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every part of a schema that describes a value, with its path."""
    yield path, node
    for name, field in node.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from nodes(node["additionalProperties"], f"{path}{{}}")


def follow(kind: str, path: str) -> Node | None:
    """The schema that a simple JSON path leads to; Kubernetes' own metadata is not looked into."""
    node: Node | None = schema_of(kind)
    for step in path.split("[", maxsplit=1)[0].strip(".").split("."):
        node = (node or {}).get("properties", {}).get(step)
    return node


def test_the_files_in_crds_are_current(project: Path) -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in (project / "crds").glob("*.yaml")}
    assert on_disk == render_all(), "run `make crds` and commit the result"


def test_every_kind_of_ours_has_a_file_named_after_it() -> None:
    assert sorted(render_all()) == [
        "dicomfolders.adit.dev.yaml",
        "dicomservers.adit.dev.yaml",
        "pseudonymizationprofiles.adit.dev.yaml",
        "tasksets.adit.dev.yaml",
        "transferjobs.adit.dev.yaml",
    ]


def test_the_command_writes_what_is_rendered(tmp_path: Path) -> None:
    assert main([str(tmp_path / "new")]) == 0
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()}
    assert written == render_all()


def test_the_command_without_a_folder_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("text", render_all().values(), ids=render_all())
def test_the_yaml_reads_back_as_the_definition(text: str) -> None:
    document = yaml.safe_load(text)
    assert document == definition(KINDS[document["spec"]["names"]["kind"]])


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_every_node_says_only_what_a_structural_schema_may_say(kind: str) -> None:
    types = {"object", "array", "string", "integer", "boolean"}
    described = [(path, node) for path, node in nodes(schema_of(kind)) if path != ".metadata"]
    assert [path for path, node in described if not node.keys() <= STRUCTURAL or node["type"] not in types] == []
    assert [path for path, node in described if {"properties", "additionalProperties"} <= node.keys()] == []


def is_bounded(node: Node) -> bool:
    if "additionalProperties" in node:
        return bool(node.get("maxProperties"))
    limit = {"string": "maxLength", "array": "maxItems"}.get(node["type"])
    return limit is None or bool(node.get(limit))


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_every_string_list_and_map_has_a_limit(kind: str) -> None:
    assert [path for path, node in nodes(schema_of(kind)) if not is_bounded(node)] == []


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_what_is_required_is_described_and_has_no_default(kind: str) -> None:
    for path, node in nodes(schema_of(kind)):
        for name in node.get("required", []):
            assert "default" not in node["properties"][name], path


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_no_default_holds_a_null(kind: str) -> None:
    defaults = [node["default"] for _, node in nodes(schema_of(kind)) if "default" in node]
    assert defaults
    assert "null" not in yaml.safe_dump(defaults).split()


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_nothing_in_a_list_has_a_default_that_a_manifest_would_differ_from_for_ever(kind: str) -> None:
    assert [path for path, node in nodes(schema_of(kind)) if "[]" in path and "default" in node] == []


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_conditions_are_a_list_map_keyed_by_type(kind: str) -> None:
    conditions = follow(kind, ".status.conditions")
    if kind in {"TaskSet", "PseudonymizationProfile"}:
        assert conditions is None
    else:
        assert conditions is not None
        assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_kind_has_a_short_name_our_category_and_a_status_unless_it_never_changes(kind: str) -> None:
    spec = definition(KINDS[kind])["spec"]
    assert spec["versions"][0].get("subresources") == (None if kind == "PseudonymizationProfile" else {"status": {}})
    assert spec["names"]["shortNames"] == [KINDS[kind].short]
    assert spec["names"]["categories"] == ["dicom"]
    assert spec["scope"] == "Namespaced"


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_columns_show_fields_that_exist(kind: str) -> None:
    for column in COLUMNS[kind]:
        assert column.path == ".metadata.creationTimestamp" or follow(kind, column.path) is not None, column


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_selectable_fields_are_at_most_eight_plain_leaves(kind: str) -> None:
    assert len(SELECTABLE[kind]) <= 8
    for path in SELECTABLE[kind]:
        assert (follow(kind, path) or {}).get("type") in {"string", "integer", "boolean"}, path


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_names_fit_into_a_label(kind: str) -> None:
    assert "self.metadata.name.size() <= 63" in [rule["rule"] for rule in schema_of(kind)[VALIDATIONS]]


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_descriptions_are_one_sentence(kind: str) -> None:
    described = [node["description"] for _, node in nodes(schema_of(kind)) if "description" in node]
    assert described
    assert [text for text in described if "\n" in text or ". " in text] == []


def test_every_form_that_a_manifest_can_miss_has_a_sentence() -> None:
    specs = [schema_of(kind)["properties"]["spec"] for kind in WRITTEN if kind in RESOURCES]
    patterns = {node["pattern"] for spec in specs for _, node in nodes(spec) if "pattern" in node}
    assert patterns - SENTENCES.keys() == set()
