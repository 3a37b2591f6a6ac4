"""Each rule of the CRDs says the same as our own validators: the CEL is evaluated here and both are asked."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from adit.api.access import ConsumerNamespaces
from adit.api.crd import object_schema
from adit.api.dicom_server import DicomServerSpec, Limits
from adit.api.fields import Uid
from adit.api.immutability import VERBS, immutable_fields, spec_schema, transition_rules, violations
from adit.api.model import Model
from adit.api.resource import PseudonymizationProfile
from adit.api.rules import VALIDATIONS
from adit.api.schema import structural, with_defaults
from adit.api.transfer_job import Pseudonymization, TransferJobSpec
from adit.cluster.kinds import KINDS
from adit.pseudonymization.profile import BUILT_IN
from tests.core.api.profile_specs import OTHER_PROFILE, PROFILE, PROFILE_VALUES

Value = dict[str, Any]


def cel(expression: str) -> Callable[..., bool]:
    """The few words of CEL that our rules use, as a Python function of self and oldSelf."""
    text = re.sub(r"has\((\w+)((?:\.\w+)+)\)", lambda m: f"has({m[1]}, {m[2].lstrip('.').split('.')})", expression)
    text = re.sub(
        r"\b(self|oldSelf)((?:\.\w+)+?)\.size\(\)", lambda m: f"len(at({m[1]}, {m[2].lstrip('.').split('.')}))", text
    )
    text = re.sub(
        r"\b(self|oldSelf)((?:\.\w+)+?)\.startsWith\(",
        lambda m: f"starts(at({m[1]}, {m[2].lstrip('.').split('.')}), ",
        text,
    )
    text = re.sub(r"\b(self|oldSelf)((?:\.\w+)+)", lambda m: f"at({m[1]}, {m[2].lstrip('.').split('.')})", text)
    text = text.replace("&&", " and ").replace("||", " or ")
    text = re.sub(r"!(?!=)", " not ", text).strip()

    def at(value: Any, steps: list[str]) -> Any:
        for step in steps:
            value = value[step]
        return value

    def has(value: Any, steps: list[str]) -> bool:
        return steps[-1] in at(value, steps[:-1])

    names = {"at": at, "has": has, "len": len, "starts": str.startswith}
    return lambda new, old=None: bool(eval(text, {"__builtins__": {}}, {**names, "self": new, "oldSelf": old}))


def asked_in_cel(rules: list[dict[str, str]], new: Value, old: Value | None = None) -> set[str]:
    """The messages of the rules that a value breaks."""
    return {rule["message"] for rule in rules if not cel(rule["rule"])(new, old)}


def asked_of_the_model(model: type[Model], value: Value) -> set[str]:
    try:
        model.of(value)
    except ValidationError as error:
        return {str(detail["ctx"]["error"]) for detail in error.errors()}
    return set()


DIMSE = {"host": "pacs.example", "port": 104}
WEB = {"url": "https://pacs.example/dicom-web"}
TASKS = [{"patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "P1"}]
LISTS = [{"secretRef": {"name": "night-tasks", "key": "tasks.jsonl.gz"}}]
BARE: Value = {
    "source": {"name": "pacs-a"},
    "destination": {"name": "pacs-b"},
    "pseudonymization": {"profile": "adit-compatible"},
}
VALUES: list[tuple[type[Model], Value]] = [
    (Pseudonymization, {}),
    (Pseudonymization, {"profile": "p"}),
    (Pseudonymization, {"identified": True}),
    (Pseudonymization, {"identified": True, "reason": "a study of our own"}),
    (Pseudonymization, {"profile": "p", "identified": True, "reason": "both"}),
    (Pseudonymization, {"profile": "p", "reason": "why"}),
    (Pseudonymization, {"reason": "why"}),
    (DicomServerSpec, {"aeTitle": "A"}),
    (DicomServerSpec, {"aeTitle": "A", "dimse": DIMSE}),
    (DicomServerSpec, {"aeTitle": "A", "dicomweb": WEB}),
    (DicomServerSpec, {"aeTitle": "A", "dimse": DIMSE, "dicomweb": WEB}),
    (Limits, {}),
    (Limits, {"maxAssociations": 1}),
    (Limits, {"maxAssociations": 1, "reservedInteractive": 0}),
    (Limits, {"maxAssociations": 1, "reservedInteractive": 1}),
    (Limits, {"maxAssociations": 4, "reservedInteractive": 3}),
    (Limits, {"reservedInteractive": 4}),
    (ConsumerNamespaces, {}),
    (ConsumerNamespaces, {"from": "Names"}),
    (ConsumerNamespaces, {"from": "Names", "names": []}),
    (ConsumerNamespaces, {"from": "Names", "names": ["a"]}),
    (ConsumerNamespaces, {"from": "All", "names": ["a"]}),
    (ConsumerNamespaces, {"names": ["a"]}),
    (TransferJobSpec, BARE),
    (TransferJobSpec, {**BARE, "tasks": TASKS}),
    (TransferJobSpec, {**BARE, "tasksFrom": LISTS}),
    (TransferJobSpec, {**BARE, "tasks": TASKS, "tasksFrom": LISTS}),
    *PROFILE_VALUES,
]


@pytest.mark.parametrize(
    ("model", "value"), VALUES, ids=lambda one: one.__name__ if isinstance(one, type) else str(one)
)
def test_the_api_server_refuses_what_the_model_refuses_and_nothing_else(model: type[Model], value: Value) -> None:
    schema = structural(model)
    in_cel = asked_in_cel(schema[VALIDATIONS], with_defaults(schema, value))
    in_python = asked_of_the_model(model, value)
    assert bool(in_cel) == bool(in_python)
    assert in_python <= in_cel, "the model stops at its first rule, the API server names all"


def test_every_model_rule_is_broken_by_some_value_above() -> None:
    models = {model for model, _ in VALUES}
    said = {message for model, value in VALUES for message in asked_of_the_model(model, value)}
    assert said == {rule["message"] for model in models for rule in structural(model)[VALIDATIONS]}


OLD: dict[str, Value] = {
    "TransferJob": {
        "source": {"name": "pacs-a"},
        "destination": {"name": "pacs-b"},
        "pseudonymization": {"profile": "adit-compatible"},
        "tasks": TASKS,
        "tasksFrom": LISTS,
        "parallelism": 2,
        "priority": 5,
        "suspend": True,
        "shutdown": "Graceful",
        "retry": {"token": "one", "scope": "Failed"},
        "retention": {"recordsSecondsAfterFinished": 3600},
    },
    "PseudonymizationProfile": PROFILE,
    "TaskSet": {
        "owner": {"kind": "TransferJob", "name": "night", "uid": "u-1"},
        "round": 0,
        "index": 0,
        "work": "Transfer",
        "source": {"name": "pacs-a"},
        "destination": {"name": "pacs-b"},
        "profile": {"name": "adit-compatible", "hash": "a" * 64},
        "identified": True,
        "keyId": "0" * 16,
        "trial": {"id": "T"},
        "tasks": [{"id": "t0", "patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "P1"}],
        "stop": "AfterTask",
    },
}
CHANGED: dict[str, Value] = {
    "TransferJob": {
        "source": {"name": "pacs-a", "namespace": "other"},
        "destination": {"kind": "DicomFolder", "name": "pacs-b"},
        "pseudonymization": {"identified": True, "reason": "asked for"},
        "tasks": [{"patientId": "1", "studyInstanceUid": "1.3", "pseudonym": "P1"}],
        "tasksFrom": [*LISTS, *LISTS],
        "parallelism": 3,
        "priority": 6,
        "suspend": False,
        "shutdown": "Immediate",
        "retry": {"token": "two", "scope": "All"},
        "retention": {"recordsSecondsAfterFinished": 3600, "ttlSecondsAfterFinished": 7200},
    },
    "PseudonymizationProfile": OTHER_PROFILE,
    "TaskSet": {
        "owner": {"kind": "TransferJob", "name": "night", "uid": "u-2"},
        "round": 1,
        "index": 1,
        "work": "Query",
        "source": {"name": "pacs-c"},
        "destination": {"name": "pacs-c"},
        "profile": {"name": "adit-compatible", "hash": "b" * 64},
        "identified": False,
        "keyId": "1" * 16,
        "trial": {"id": "U"},
        "tasks": [{"id": "t0", "patientId": "1", "studyInstanceUid": "1.2"}],
        "stop": "Now",
    },
}
FIELDS = [pytest.param(kind, field, id=f"{kind}.{field}") for kind in VERBS for field in OLD[kind]]
# Taking shutdown back has a rule of its own, below.
VERBS_AT_WILL = {kind: set(verbs) - {"shutdown"} for kind, verbs in VERBS.items()}


def refused(kind: str, old: Value, new: Value) -> bool:
    """Whether the change is refused, by both alike."""
    schema = spec_schema(kind)
    rules = [rule.document() for rule in transition_rules(kind)]
    in_cel = asked_in_cel(rules, with_defaults(schema, new), with_defaults(schema, old))
    in_python = violations(kind, old, new)
    assert bool(in_cel) == bool(in_python), (in_cel, in_python)
    return bool(in_python)


def without(spec: Value, field: str) -> Value:
    return {name: value for name, value in spec.items() if name != field}


@pytest.mark.parametrize("kind", VERBS)
def test_the_table_above_knows_every_field(kind: str) -> None:
    assert OLD[kind].keys() == CHANGED[kind].keys() == spec_schema(kind)["properties"].keys()


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_field_may_change_exactly_if_it_is_a_verb(kind: str, field: str) -> None:
    new = {**OLD[kind], field: CHANGED[kind][field]}
    assert refused(kind, OLD[kind], new) == (field not in VERBS[kind])


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_field_may_be_removed_exactly_if_it_is_a_verb(kind: str, field: str) -> None:
    assert refused(kind, OLD[kind], without(OLD[kind], field)) == (field not in VERBS_AT_WILL[kind])


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_a_field_may_be_added_exactly_if_it_is_a_verb(kind: str, field: str) -> None:
    assert refused(kind, without(OLD[kind], field), OLD[kind]) == (field not in VERBS[kind])


@pytest.mark.parametrize("kind", VERBS)
def test_nothing_changed_is_no_change(kind: str) -> None:
    assert not refused(kind, OLD[kind], OLD[kind])


@pytest.mark.parametrize("kind", VERBS)
def test_the_rule_of_change_names_every_field_but_the_verbs(kind: str) -> None:
    rule = transition_rules(kind)[0]
    named = set(re.findall(r"has\(oldSelf\.(\w+)\)", rule.expression))
    assert named == set(immutable_fields(kind)) == spec_schema(kind)["properties"].keys() - set(VERBS[kind])


def test_an_absent_field_equals_its_default() -> None:
    old = OLD["TransferJob"]
    spelled_out = {**old, "source": {"kind": "DicomServer", "name": "pacs-a", "namespace": None}}
    assert not refused("TransferJob", old, spelled_out)


def test_a_refused_change_names_each_field_and_what_to_do() -> None:
    old, changed = OLD["TransferJob"], CHANGED["TransferJob"]
    new = {**old, "tasks": changed["tasks"], "source": changed["source"], "priority": 1}
    assert violations("TransferJob", old, new) == [
        "spec.source: is immutable; make a new TransferJob",
        "spec.tasks: is immutable; make a new TransferJob",
    ]


@pytest.mark.parametrize("kind", ["DicomServer", "DicomFolder", "Secret", "ConfigMap"])
def test_other_kinds_may_change_freely(kind: str) -> None:
    assert violations(kind, {"a": 1}, {"b": 2}) == []


SHUTDOWNS = [None, "Graceful", "Immediate"]
TOKENS = [None, "one", "two"]


@pytest.mark.parametrize("before", SHUTDOWNS)
@pytest.mark.parametrize("after", SHUTDOWNS)
@pytest.mark.parametrize("old_token", TOKENS)
@pytest.mark.parametrize("new_token", TOKENS)
def test_a_shutdown_is_taken_back_only_with_a_new_token(
    before: str | None, after: str | None, old_token: str | None, new_token: str | None
) -> None:
    base = without(without(OLD["TransferJob"], "shutdown"), "retry")

    def spec(shutdown: str | None, token: str | None) -> Value:
        retry = {"retry": {"token": token, "scope": "All"}} if token else {}
        return {**base, **({"shutdown": shutdown} if shutdown else {}), **retry}

    taken_back = (before, after) in {("Graceful", None), ("Immediate", None), ("Immediate", "Graceful")}
    new_round = new_token is not None and new_token != old_token
    assert refused("TransferJob", spec(before, old_token), spec(after, new_token)) == (taken_back and not new_round)


@pytest.mark.parametrize("kind", ["DicomServer", "DicomFolder"])
def test_a_mutable_kind_has_no_rule_that_looks_back(kind: str) -> None:
    assert "oldSelf" not in str(object_schema(KINDS[kind]))


@pytest.mark.parametrize("name", [*BUILT_IN, "basic-2", "brain"])
def test_no_profile_may_take_the_name_of_one_that_is_built_in(name: str) -> None:
    rules = object_schema(KINDS["PseudonymizationProfile"])[VALIDATIONS]
    manifest = {"metadata": {"name": name}, "spec": {}}
    in_cel, in_python = asked_in_cel(rules, manifest), asked_of_the_model(PseudonymizationProfile, manifest)
    assert in_cel == in_python
    assert bool(in_cel) == (name in BUILT_IN)


@pytest.mark.parametrize(("name", "longest"), [("a" * 63, True), ("a" * 64, False)])
def test_a_name_may_have_sixty_three_characters(name: str, longest: bool) -> None:  # noqa: FBT001  # a column of the table
    rules = object_schema(KINDS["TransferJob"])[VALIDATIONS]
    assert (asked_in_cel(rules, {"metadata": {"name": name}}) == set()) is longest


def test_a_uid_may_break_the_rule_against_leading_zeros_because_archives_hold_such_studies() -> None:
    assert TypeAdapter(Uid).validate_python("1.2.0840.010") == "1.2.0840.010"
