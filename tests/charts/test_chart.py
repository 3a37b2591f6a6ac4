"""The chart as text: what holds without helm and without a cluster."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from adit_operator.program import ProgramSettings
from adit_operator.settings import OperatorSettings

CHART = Path(__file__).resolve().parent.parent.parent / "charts" / "adit"
TEMPLATES = sorted((CHART / "templates").iterdir())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
OPEN = {"nodeSelector", "podAnnotations", "annotations", "labels", "nodeAffinity", "podAffinity", "podAntiAffinity"}


def texts() -> str:
    return "\n".join(path.read_text() for path in TEMPLATES)


def paths(values: dict[str, Any], at: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield f"{at}{key}"
        if isinstance(value, dict):
            yield from paths(value, f"{at}{key}.")


def schema_at(path: str) -> Any:
    found = SCHEMA
    for key in path.split("."):
        found = found.get("properties", {}).get(key, {})
    return found


def objects(schema: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield name, schema
        for key, member in schema.items():
            yield from objects(member, name if key in {"properties", "items"} else key)


def test_the_chart_carries_the_crds_as_the_models_say(project: Path) -> None:
    carried = {path.name: path.read_text() for path in (CHART / "files" / "crds").iterdir()}
    assert carried == {path.name: path.read_text() for path in (project / "crds").iterdir()}
    assert carried


def fields(schema: dict[str, Any]) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        yield name
        yield from fields(field)
    if "items" in schema:
        yield from fields(schema["items"])


def test_no_field_is_a_word_that_kubectl_reads_as_true_or_false() -> None:
    """YAML 1.1, which kubectl and helm read, has many words for them."""
    named = {
        name
        for path in (CHART / "files" / "crds").iterdir()
        for version in yaml.safe_load(path.read_text())["spec"]["versions"]
        for name in fields(version["schema"]["openAPIV3Schema"])
    }
    assert named
    assert not {name.lower() for name in named} & {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"}


def test_the_keep_policy_finds_one_place_in_each_crd() -> None:
    """The template adds its annotation behind the only `metadata:` at the start of a line."""
    counts = {
        path.name: len(re.findall(r"(?m)^metadata:$", path.read_text())) for path in (CHART / "files/crds").iterdir()
    }
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("path", list(paths(VALUES)))
def test_every_value_is_in_the_schema(path: str) -> None:
    parent, _, key = path.rpartition(".")
    assert schema_at(path) or key in schema_at(parent).get("properties", {})


def test_every_object_of_the_schema_refuses_what_it_does_not_know() -> None:
    lax = {name for name, one in objects(SCHEMA) if one.get("additionalProperties") is not False}
    assert lax <= OPEN


@pytest.mark.parametrize("path", [one for one in paths(VALUES) if schema_at(one).get("type") != "object"])
def test_every_value_is_used(path: str) -> None:
    used = texts()
    parts = path.partition(".resources.")[0].split(".")  # Kubernetes' own objects are passed on whole
    assert any(re.search(rf"\.{re.escape('.'.join(parts[start:]))}\b", used) for start in range(len(parts))), path


def test_no_role_grants_everything() -> None:
    verbs = re.findall(r"(?m)^ +verbs: \[(.*)\]", texts())
    others = re.findall(r"(?m)^ *-? *(?:resources|apiGroups): \[(.*)\]", texts())
    assert verbs
    assert others
    assert [line for line in (*verbs, *others) if "*" in line] == []
    assert [line for line in verbs if set(line.split(", ")) & {"escalate", "bind", "impersonate"}] == []


def test_the_operator_understands_every_name_that_it_is_given() -> None:
    given = set(re.findall(r"\{name: ([A-Z_]+), value", (CHART / "templates/deployment.yaml").read_text()))
    known = {
        str(field.alias)
        for model in (OperatorSettings, ProgramSettings)
        for field in model.model_fields.values()
        if field.alias
    }
    assert given
    assert given <= known


def test_the_chart_has_the_version_of_the_program(project: Path) -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_chart_makes_no_secret() -> None:
    """A project key that a template made would change with an upgrade, and pseudonyms with it."""
    assert not re.search(r"(?m)^kind: Secret$", texts())
    assert not re.search(r"\b(randAlpha|randBytes|genCA|derivePassword)", texts())


def test_the_chart_holds_the_crds_as_a_link() -> None:
    """A copy would go stale in silence."""
    assert (CHART / "files" / "crds").is_symlink()
