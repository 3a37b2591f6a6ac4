"""The rules of the data path's commands: addresses, parts, outcomes, and a file that goes away; no network."""

import os
import socket
from pathlib import Path

import pytest

from adit.dimse import commands
from adit.dimse.commands import Field
from adit.errors import BadInput
from adit.transfer.instance import FileSlice
from adit_cli.__main__ import is_quick
from adit_cli.data_path.fetching import proposals
from adit_cli.data_path.files import DicomFile, changed, found
from adit_cli.data_path.options import Address, address_of
from adit_cli.data_path.outcome import Outcome, State, Tally, summary
from adit_cli.data_path.parts import batches, proposals_for, shares
from adit_cli.data_path.statuses import is_warning, words_of
from adit_cli.data_path.store_folder import StoreFolder

EXPLICIT = "1.2.840.10008.1.2.1"


def file(number: int, sop_class: str, path: Path = Path("x.dcm")) -> DicomFile:
    return DicomFile(path, sop_class, f"1.2.{number}", EXPLICIT, FileSlice(path, 10, 20))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("pacs.example:104", Address("pacs.example", 104)),
        ("PACS_1@127.0.0.1:11112", Address("127.0.0.1", 11112, "PACS_1")),
        ("MY PACS@[::1]:104", Address("::1", 104, "MY PACS")),
        ("source", None),
        ("pacs.example", None),
    ],
)
def test_an_address_is_told_from_the_name_of_a_server(text: str, address: Address | None) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["host:0", "host:65536", f"{'A' * 17}@host:104"])
def test_a_wrong_address_is_no_name_of_a_server(text: str) -> None:
    with pytest.raises(BadInput):
        address_of(text)


def test_more_than_128_kinds_go_over_further_associations() -> None:
    files = [file(number, f"1.2.{number % 300}") for number in range(900)]
    parts = batches(files)
    assert [len(proposals_for(part)) for part in parts] == [128, 128, 44]
    assert sorted(one.sop_instance_uid for part in parts for one in part) == sorted(f"1.2.{n}" for n in range(900))


def test_files_that_fit_keep_their_order() -> None:
    files = [file(number, f"1.2.{number % 3}") for number in range(9)]
    assert batches(files) == [tuple(files)]


@pytest.mark.parametrize(("files", "associations", "sizes"), [(10, 3, [4, 3, 3]), (2, 4, [1, 1]), (0, 2, [])])
def test_files_are_dealt_out_evenly_and_to_nobody_for_nothing(files: int, associations: int, sizes: list[int]) -> None:
    assert [len(one) for one in shares([file(n, "1.2") for n in range(files)], associations)] == sizes


@pytest.mark.parametrize(
    ("states", "code"),
    [("", 0), ("done", 0), ("done skipped", 0), ("done warning", 3), ("done warning failed", 1)],
)
def test_the_worst_outcome_is_the_exit_code(states: str, code: int) -> None:
    tally = Tally.empty()
    for state in states.split():
        tally = tally.plus(Outcome("x", State(state)))
    assert tally.code == code


def test_the_summary_counts_only_the_bytes_that_arrived() -> None:
    tally = Tally.empty().plus(Outcome("a", State.DONE, 2_000_000)).plus(Outcome("b", State.FAILED, 5_000_000))
    assert summary("stored", tally, 2.0, 2) == (
        "1 of 2 instances stored, 2.0 MB in 2.00 s: 0 inst/s, 1.0 MB/s, 1 failed"
    )


def test_a_status_is_said_with_the_comment_of_the_peer() -> None:
    answer = commands.response(commands.request(Field.C_STORE_RQ, 1, "1.2", "1.2.3"), 0xA700, "disk\x1b[2J full")
    assert words_of(answer) == "0xA700 out of resources: disk [2J full"
    assert [is_warning(status) for status in (0xB000, 0xB123, 0xA700, 0xC000)] == [True, True, False, False]


def test_a_file_that_has_gone_or_changed_since_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(bytes(30))
    assert changed(file(1, "1.2", path)) == ""
    path.write_bytes(bytes(12))
    assert changed(file(1, "1.2", path)) == "has changed: it had 30 bytes, and has 12"
    path.unlink()
    assert changed(file(1, "1.2", path)) == "cannot be read any more: no such file or directory"


@pytest.mark.parametrize("uid", ["../../etc/passwd", "", "1.2/3", "1" * 65, "a.b", ".."])
def test_what_is_no_uid_never_becomes_a_path(tmp_path: Path, uid: str) -> None:
    with pytest.raises(ValueError, match="that is none"):
        StoreFolder(tmp_path).begin("1.2", uid, EXPLICIT)
    assert list(tmp_path.iterdir()) == []


def test_what_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    stored = StoreFolder(tmp_path).begin("1.2", "1.2.3", EXPLICIT)
    stored.write(memoryview(b"some"))
    stored.discard()
    assert list(tmp_path.iterdir()) == []


def test_named_classes_are_asked_for_in_each_syntax_by_itself() -> None:
    assert [one.transfer_syntaxes for one in proposals(["1.2.3"], [EXPLICIT, "1.2.840.10008.1.2.4.70"])[1:]] == [
        (EXPLICIT,),
        ("1.2.840.10008.1.2.4.70",),
    ]
    with pytest.raises(ValueError, match="room for 127"):
        proposals([f"1.2.{n}" for n in range(10)], ())


@pytest.mark.parametrize(
    ("words", "quick"),
    [
        (["send", "x", "h:104"], True),
        (["receive", "--port", "0"], True),
        (["send", "x", "source"], True),
        (["run", "h:104"], False),
        (["--namespace", "a", "send", "x", "h:104"], False),
        ([], False),
    ],
)
def test_the_data_path_starts_without_the_other_commands(*, words: list[str], quick: bool) -> None:
    assert is_quick(words) is quick


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_regular_file_is_named_and_never_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    with socket.socket(socket.AF_UNIX) as bound:
        if kind == "pipe":
            os.mkfifo(path)
        else:
            bound.bind(str(path))
        (below,), (named,) = found([tmp_path]), found([path])
    assert isinstance(below, Outcome)
    assert isinstance(named, Outcome)
    assert (below.name, below.state, named.state) == (str(path), State.SKIPPED, State.FAILED)
    assert "no regular file" in below.words


def test_a_link_to_a_folder_is_named_instead_of_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "ct").symlink_to(tmp_path / "real")
    (outcome,) = found([tmp_path / "links"])
    assert outcome == Outcome(str(tmp_path / "links" / "ct"), State.SKIPPED, 0, "a link to a folder: name it itself")


def test_a_folder_that_cannot_be_read_fails(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "note.txt").write_text("hello")
    walk = found([tmp_path])
    next(walk)
    (tmp_path / "gone").rmdir()  # root may read everything, so that permissions would prove nothing
    (outcome,) = walk
    words = "a folder that cannot be read: no such file or directory"
    assert outcome == Outcome(str(tmp_path / "gone"), State.FAILED, 0, words)
