"""Tables, columns and what is printed of an object: no Secret, no control character, no crooked column."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from adit.cluster.kinds import KINDS
from adit.errors import BadInput
from adit.testing.cluster import config_map_manifest, secret_manifest, server_manifest
from adit_cli.columns import COLUMNS, age, duration
from adit_cli.objects import kind_of
from adit_cli.plain_table import plain_table
from adit_cli.render import as_json, as_yaml, table
from adit_operator.testing.builders import transfer_job

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "token",
        "namespace": "default",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"adit.dev/purpose": "credential"},
        "managedFields": [{"manager": "x"}],
    },
    "data": {"header": "QmVhcmVyIHNlc2FtZQ=="},
}


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    assert plain_table(["NAME", "N"], [["a", "1"], ["long", "200"]], right=frozenset({"N"})) == (
        "NAME     N\na        1\nlong   200"
    )


def test_wide_characters_take_the_cells_that_they_take_on_a_terminal() -> None:
    lines = plain_table(["NAME", "SEX"], [["見本^太郎", "M"], ["Sample", "F"]]).splitlines()
    assert {cell_len(line[: line.index(sex)]) for line, sex in zip(lines, ["SEX", "M", "F"], strict=True)} == {12}


@given(st.text(max_size=20))
def test_whatever_a_peer_sends_a_row_is_one_line_without_control_characters(value: str) -> None:
    printed = plain_table(["NAME", "X"], [[value, "x"]])
    assert printed.count("\n") == 1
    assert all(character.isprintable() for character in printed.replace("\n", ""))


@pytest.mark.parametrize("show", [as_yaml, as_json])
def test_the_value_of_a_secret_is_never_printed(show: Any) -> None:
    for secret in (SECRET, secret_manifest("token", {"header": "Bearer sesame"})):
        printed = show([secret])
        assert "sesame" not in printed
        assert "QmVhcmVy" not in printed
        assert "header" in printed
        assert "(hidden)" in printed
    assert "sesame" not in table("Secret", [SECRET], NOW, wide=True, namespaced=True)


def test_one_object_is_printed_as_itself_and_several_as_a_list() -> None:
    assert json.loads(as_json([server_manifest()]))["kind"] == "DicomServer"
    assert [one["kind"] for one in json.loads(as_json([server_manifest(), SECRET]))["items"]] == [
        "DicomServer",
        "Secret",
    ]
    assert [one["kind"] for one in yaml.safe_load_all(as_yaml([server_manifest(), SECRET]))] == [
        "DicomServer",
        "Secret",
    ]


def test_what_the_cluster_notes_for_itself_is_left_out_and_a_config_map_is_shown() -> None:
    assert "managedFields" not in as_yaml([SECRET])
    assert yaml.safe_load(as_yaml([config_map_manifest(data={"a": "b"})]))["data"] == {"a": "b"}


def test_every_kind_has_columns() -> None:
    assert COLUMNS.keys() == KINDS.keys()


def test_a_job_is_one_line_and_wide_shows_its_message() -> None:
    tasks = {"total": 2, "succeeded": 1, "failed": 1}
    status = {"phase": "Failure", "message": "Failure: 1 failed", "tasks": tasks, "instances": {"verified": 4}}
    manifest = transfer_job(2, status=status).manifest()
    assert table("TransferJob", [manifest], NOW, wide=False, namespaced=False).splitlines() == [
        "NAME    SOURCE   DESTINATION   PHASE     DONE   FAILED   VERIFIED   AGE",
        "night   pacs     research      Failure   2/2    1        4          1d",
    ]
    assert "Failure: 1 failed" in table("TransferJob", [manifest], NOW, wide=True, namespaced=False)
    assert table("TransferJob", [manifest], NOW, wide=False, namespaced=True).splitlines()[1].split()[:2] == [
        "default",
        "night",
    ]


def test_a_folder_is_told_from_a_server_as_destination() -> None:
    manifest = transfer_job(1, spec={"destination": {"kind": "DicomFolder", "name": "archive"}}).manifest()
    assert "folder archive" in table("TransferJob", [manifest], NOW, wide=False, namespaced=False)


def test_a_server_says_where_it_is_and_whether_it_answers() -> None:
    manifest = {**server_manifest("pacs", port=104), "metadata": {"name": "pacs"}}
    row = table("DicomServer", [manifest], NOW, wide=False, namespaced=False).splitlines()[1]
    assert row.split() == ["pacs", "PACS", "127.0.0.1:104", "Unknown"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (90, "1m30s"), (600, "10m"), (3660, "1h1m"), (90000, "1d1h"), (900000, "10d")],
)
def test_a_duration_is_read_in_two_units_at_most(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_a_clock_that_went_back_makes_no_negative_age() -> None:
    assert age({"metadata": {"creationTimestamp": "2026-01-03T00:00:00Z"}}, NOW) == "0s"


@pytest.mark.parametrize("word", ["tj", "TJ", "transferjob", "TransferJobs", "transferjobs"])
def test_a_kind_goes_by_its_short_and_its_long_names(word: str) -> None:
    assert kind_of(word).name == "TransferJob"


@pytest.mark.parametrize("word", ["", "pods", "t"])
def test_an_unknown_kind_is_refused_with_those_that_are_known(word: str) -> None:
    with pytest.raises(BadInput, match=f"there is no kind {word}; known are: configmaps, dcmfld, dcmsrv, jobs"):
        kind_of(word)
