"""The mapping table: what is written is read again, each patient stands once, and nothing foreign is believed."""

import base64
import gzip
import json
import random
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.errors import BadInput
from adit.pseudonymization import mapping
from adit.pseudonymization.mapping import MappingRow, decode, encode, mapping_secrets, merged, rows_of_secret

ROW = MappingRow(
    namespace="research",
    profile="strict",
    issuer="HOSPITAL",
    patient_id="SYN-1",
    pseudonym="P-1",
    key_id="0123456789abcdef",
    since="2026-11-24T17:00:00Z",
    first_job="night",
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=64)
ROWS = st.builds(MappingRow, *[TEXT] * 8)


def secrets_of(*rows: MappingRow) -> tuple[dict[str, Any], ...]:
    return mapping_secrets(rows, namespace="research", job_uid="0a1b", runner_namespace="adit")


def packed(*values: object) -> bytes:
    return gzip.compress("".join(json.dumps(value) + "\n" for value in values).encode())


@given(st.lists(ROWS, max_size=20))
def test_what_is_encoded_is_decoded_again(rows: list[MappingRow]) -> None:
    assert decode(encode(rows)) == tuple(rows)


@given(st.lists(ROWS, max_size=8), st.lists(ROWS, max_size=8))
def test_tables_may_be_merged_in_any_order_and_as_often_as_one_likes(
    some: list[MappingRow], others: list[MappingRow]
) -> None:
    whole = merged((*some, *others))
    assert whole == merged((*others, *some)) == merged((*merged(some), *merged(others), *whole))
    assert len({row.identity for row in whole}) == len(whole)


def test_of_two_jobs_that_met_a_patient_the_first_stays() -> None:
    later = replace(ROW, since="2026-11-25T17:00:00Z", first_job="another")
    assert merged([later, ROW]) == (ROW,)


@pytest.mark.parametrize("field", ["namespace", "profile", "issuer", "patient_id", "pseudonym", "key_id"])
def test_what_differs_in_anything_but_the_job_is_another_row(field: str) -> None:
    assert len(merged([ROW, replace(ROW, **{field: "other"})])) == 2


def test_the_secrets_of_a_job_are_the_same_whenever_they_are_made() -> None:
    rows = [replace(ROW, patient_id=f"SYN-{number}") for number in range(50)]
    assert secrets_of(*rows) == secrets_of(*reversed(rows))


def test_a_secret_survives_its_job_and_is_never_changed() -> None:
    [secret] = secrets_of(ROW)
    metadata = secret["metadata"]
    assert (secret["type"], secret["immutable"], metadata["namespace"]) == ("adit.dev/mapping", True, "adit")
    assert "ownerReferences" not in metadata
    assert "adit.dev/owner-uid" not in metadata["labels"]
    assert rows_of_secret(secret) == (ROW,)


def test_neither_name_nor_labels_nor_text_of_a_row_tell_a_patient() -> None:
    [secret] = secrets_of(replace(ROW, patient_id="PATIENT", pseudonym="SUBJECT", issuer="ISSUER"))
    shown = json.dumps(secret["metadata"]) + repr(replace(ROW, patient_id="PATIENT", pseudonym="SUBJECT"))
    assert not [word for word in ("PATIENT", "SUBJECT", "ISSUER") if word in shown]


def test_jobs_of_one_uid_in_two_namespaces_never_share_a_name() -> None:
    assert mapping.mapping_name("a", "uid", 0) != mapping.mapping_name("b", "uid", 0)


def test_no_rows_make_no_secret() -> None:
    assert secrets_of() == ()


def test_many_rows_are_parted_so_that_each_secret_can_be_kept_and_read() -> None:
    alphabet = string.ascii_letters + string.digits
    rows = [
        replace(ROW, patient_id=f"{number:06}" + alphabet[number % 60] * 50, pseudonym=f"{number * 7919 % 999983:058}")
        for number in range(mapping.MAX_ROWS + 5)
    ]
    secrets = secrets_of(*rows)
    assert [secret["metadata"]["name"][-2:] for secret in secrets] == ["-0", "-1"]
    assert sorted(row for secret in secrets for row in rows_of_secret(secret)) == sorted(rows)


def test_a_part_that_does_not_pack_well_is_halved() -> None:
    chance = random.Random(7)
    rows = [
        replace(ROW, **{field: "".join(map(chr, chance.choices(range(0x4E00, 0x9FA5), k=64)))})
        for _ in range(3_000)
        for field in ("issuer", "patient_id", "pseudonym")
    ]
    secrets = secrets_of(*rows)
    assert len(secrets) == 2, "fewer rows than one Secret may have"
    assert sorted(row for secret in secrets for row in rows_of_secret(secret)) == sorted(rows)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no gzip", "not gzip"),
        (encode([ROW])[:-9], "not gzip, or cut short"),
        (b"x" * (mapping.MAX_PACKED_BYTES + 1), "more than 900 KiB"),
        (gzip.compress(b"{" * (mapping.MAX_LINE_BYTES + 1)), "longer than a mapping table can be"),
        (gzip.compress(b"PATIENT\n"), "line 1 is not JSON"),
        (gzip.compress(b"[" * 4000), "line 1 is not JSON"),
        (packed({"patientId": "PATIENT"}), "has not the fields"),
        (packed(["PATIENT"]), "has not the fields"),
    ],
)
def test_what_is_no_table_is_refused_without_a_word_of_its_content(content: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        decode(content)
    assert refused.value.reason == "MappingUnreadable"
    assert "PATIENT" not in refused.value.message


@pytest.mark.parametrize("value", [7, None, ["PATIENT"], "P" * 65])
def test_a_field_that_is_no_short_text_is_refused(value: object) -> None:
    names = ("namespace", "profile", "issuer", "patientId", "pseudonym", "keyId", "since", "firstJob")
    with pytest.raises(BadInput, match="field"):
        decode(packed(dict.fromkeys(names, "") | {"patientId": value}))


def test_a_bomb_is_not_unpacked() -> None:
    line = json.dumps({"patientId": " " * 4000}).encode()[:4000] + b"\n"
    with pytest.raises(BadInput):
        decode(gzip.compress(line * 30_000))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "Opaque"}, "no part of a mapping table"),
        ({"data": {}}, "it is empty"),
        ({"data": {mapping.ENTRY: "?"}}, "is not base64"),
        ({"data": {mapping.ENTRY: base64.b64encode(b"no").decode()}}, "not gzip"),
    ],
)
def test_a_secret_that_is_none_of_ours_is_named(change: dict[str, object], said: str) -> None:
    [secret] = secrets_of(ROW)
    with pytest.raises(BadInput, match=said) as refused:
        rows_of_secret({**secret, **change})
    assert mapping.mapping_name("research", "0a1b", 0) in refused.value.message
