"""What the API server's refusals become, and that the values it quotes do not come along."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.cluster.cluster import ClusterUnavailable, Conflict, Expired, Forbidden, Invalid, ObjectNotFound
from adit.cluster.kubernetes.answers import Answer, Throttled, refusal, refusal_of_event, retry_after, without_value
from tests.core.cluster.kubernetes.api_server import status


def refused(code: int, message: str = "no", **details: object) -> Exception:
    body = json.dumps(status(code, message, **details)).encode()  # type: ignore[arg-type]  # a shorter call
    return refusal(Answer(code, body), "TransferJob/night")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, ObjectNotFound),
        (405, Invalid),
        (408, ClusterUnavailable),
        (409, Conflict),
        (410, Expired),
        (413, Invalid),
        (422, Invalid),
        (429, ClusterUnavailable),
        (500, ClusterUnavailable),
        (503, ClusterUnavailable),
        (504, ClusterUnavailable),
    ],
)
def test_each_status_has_its_error(code: int, kind: type[Exception]) -> None:
    assert type(refused(code)) is kind


def test_a_refusal_names_what_was_asked_for() -> None:
    for code in (400, 401, 403, 404, 409, 410, 422, 429, 500):
        assert str(refused(code)).startswith("TransferJob/night")


def test_the_seconds_to_wait_are_kept() -> None:
    error = refusal(Answer(429, b"", 7.0), "Job")
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.0
    assert "7 s" in error.message


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3.0), ("", None), ("soon", None), ("-1", None), ("9" * 9, 3600.0)]
)
def test_seconds_to_wait_are_read_within_an_hour(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}) == seconds


def test_a_taken_name_can_be_told_from_a_changed_object() -> None:
    assert refused(409, reason="AlreadyExists").reason == "AlreadyExists"  # type: ignore[attr-defined]  # Conflict has
    assert refused(409, reason="Conflict").reason == "Conflict"  # type: ignore[attr-defined]  # as above


def test_a_path_that_the_server_does_not_know_hints_at_the_definitions() -> None:
    assert "CustomResourceDefinitions" in str(refusal(Answer(404, b"404 page not found\n"), "TransferJob"))


def test_an_apply_that_breaks_the_schema_is_no_fault_of_the_server() -> None:
    message = 'failed to create typed patch object (x): .spec.tasks[id="Meier"].a: field not declared in schema'
    error = refused(500, message)
    assert isinstance(error, Invalid)
    assert ".a: field not declared in schema" in error.message
    assert "Meier" not in error.message


def test_every_refused_field_is_named() -> None:
    causes = [
        {"field": "spec.dimse.port", "message": "Invalid value: 70000: should be at most 65535"},
        {"field": "spec.aeTitle", "message": "Required value"},
        {"field": "<nil>", "message": "Invalid value: null: some rules were not checked"},
    ]
    assert str(refused(422, causes=causes)) == (
        "TransferJob/night: spec.dimse.port: Invalid value: should be at most 65535; spec.aeTitle: Required value"
    )


def test_a_message_that_quotes_a_value_is_not_passed_on() -> None:
    assert "Meier" not in str(refused(422, 'TransferJob "night" is invalid: spec.x: Invalid value: "Meier": no'))


def test_a_policys_refusal_is_passed_on() -> None:
    said = "ValidatingAdmissionPolicy 'use-source' denied request: you may not read from pacs"
    assert said in str(refused(403, said))


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("Required value", "Required value"),
        ("Too long: may not be more than 64 bytes", "Too long: may not be more than 64 bytes"),
        ("Invalid value: 70000: must be lower", "Invalid value: must be lower"),
        ('Invalid value: "a": b": must be lower', 'Invalid value: b": must be lower'),
        ('Invalid value: {"patientId":"Meier"}: no', "Invalid value: no"),
        ("Invalid value: source, tasks: is immutable", "Invalid value: source, tasks: is immutable"),
        ('Unsupported value: "X": supported values: "A", "B"', 'Unsupported value: supported values: "A", "B"'),
        ('Duplicate value: {"id":"Meier"}', "Duplicate value"),
        ("Invalid value: {Meier}: no", "Invalid value"),
    ],
)
def test_a_sentence_loses_the_value_and_keeps_the_reason(sentence: str, kept: str) -> None:
    assert without_value(sentence) == kept


@given(value=st.text(min_size=1), detail=st.sampled_from(["should match '^a$'", "no: never", ""]))
def test_no_quoted_text_survives(value: str, detail: str) -> None:
    # JSON's escapes and Go's have the same ends
    tail = f": {detail}" if detail else ""
    kept = without_value(f"Invalid value: {json.dumps(value)}{tail}")
    assert kept == ("Invalid value" + tail)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_no_quoted_json_survives(value: object) -> None:
    assert without_value(f"Invalid value: {json.dumps(value)}: must be another") == "Invalid value: must be another"


@given(st.binary(max_size=200), st.integers(400, 599))
def test_any_body_is_some_error_of_ours(body: bytes, code: int) -> None:
    assert str(refusal(Answer(code, body), "Job")).startswith("Job")


@pytest.mark.parametrize("status_object", [None, [], {}, {"code": "410"}, {"code": 500}])
def test_an_error_event_without_a_meaning_is_no_answer(status_object: object) -> None:
    assert isinstance(refusal_of_event(status_object, "Job"), ClusterUnavailable)


def test_an_error_event_of_a_position_too_old_is_expired() -> None:
    assert isinstance(refusal_of_event(status(410), "Job"), Expired)
