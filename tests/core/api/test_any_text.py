"""Whatever is read, the answer is objects or problems with a line; never another error."""

import copy
import re
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from adit.api.manifests import ManifestErrors, read
from adit.api.resource import RESOURCES

JOB: dict[str, Any] = {
    "apiVersion": "adit.dev/v1alpha1",
    "kind": "TransferJob",
    "metadata": {"name": "night", "labels": {"a": "b"}, "annotations": {}},
    "spec": {
        "source": {"name": "pacs"},
        "destination": {"kind": "DicomFolder", "name": "research"},
        "pseudonymization": {"profile": "adit-compatible", "trial": {"id": "T"}},
        "tasks": [{"id": "a", "patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "A"}],
        "retry": {"token": "x", "scope": "All", "tasks": ["a"]},
    },
}
SERVER: dict[str, Any] = {
    "apiVersion": "adit.dev/v1alpha1",
    "kind": "DicomServer",
    "metadata": {"name": "pacs"},
    "spec": {"aeTitle": "PACS", "dimse": {"host": "pacs", "port": 104}, "allowedConsumers": [{"namespaces": {}}]},
}
SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "login"},
    "data": {"a": "eA=="},
    "stringData": {"b": "x"},
}
PLACE = re.compile(r"x\.yaml: .+ \(line [0-9]+\)", re.DOTALL)
LINES = [line for one in (JOB, SERVER, SECRET) for line in yaml.safe_dump(one).splitlines()]
PIECES = st.sampled_from([*LINES, "---", "- &a [*a]", "? x", "!!t", "{", "\x00", "\t"]) | st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\ud800")
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def answered(text: str) -> None:
    """Read it; fail on anything but valid objects, or problems that say where."""
    problems: list[str] = []
    try:
        found = read(text, "x.yaml")
    except ManifestErrors as errors:
        found, problems = [], errors.problems
    assert [problem for problem in problems if not PLACE.fullmatch(problem)] == []
    for document in found:
        assert document.namespace
        if document.kind in RESOURCES:
            RESOURCES[document.kind].of(document.manifest)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """A valid object in which one thing, at any depth, is something else."""
    root: dict[str, Any] = {"": copy.deepcopy(draw(st.sampled_from([JOB, SERVER, SECRET])))}
    parent: Any = root
    step: Any = ""
    for _ in range(draw(st.integers(0, 6))):
        inside = parent[step]
        if not inside or not isinstance(inside, dict | list):
            break
        parent, step = inside, draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else [0]))
    parent[step] = draw(VALUES)
    return yaml.safe_dump(root[""], allow_unicode=draw(st.booleans()))


@given(st.lists(PIECES, max_size=12).map("\n".join))
def test_any_text_is_answered(text: str) -> None:
    answered(text)


@given(spoiled())
def test_an_object_with_anything_in_it_is_answered(text: str) -> None:
    answered(text)
