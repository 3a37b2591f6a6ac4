"""Fragments become messages; instances become files whose names are ours, and only when they were asked for."""

from pathlib import Path

import pytest

from adit.connectors.dimse.pynetdicom_layer.incoming import MAX_IDENTIFIER, Incoming
from adit.dimse import commands
from adit.dimse.commands import Field
from adit.errors import PermanentError

COMMAND, LAST_COMMAND, DATA, LAST_DATA = b"\1", b"\3", b"\0", b"\2"
STORE = commands.encode(commands.request(Field.C_STORE_RQ, 1, "1.2", "../../etc/passwd"))
FIND = commands.encode(commands.request(Field.C_FIND_RQ, 1, "1.2"))


def test_a_command_and_its_data_arrive_in_fragments() -> None:
    incoming = Incoming("pacs")
    assert incoming.take(1, COMMAND + FIND[:20]) is None
    assert incoming.take(1, LAST_COMMAND + FIND[20:]) is None
    assert incoming.take(1, DATA + b"ab") is None
    message = incoming.take(1, LAST_DATA + b"cd")
    assert message is not None
    assert (message.field, message.data, message.file) == (Field.C_FIND_RQ, b"abcd", None)


def test_an_instance_lies_in_the_spool_under_a_name_of_ours(spool: Path) -> None:
    incoming = Incoming("pacs")
    incoming.spool = spool
    incoming.take(1, LAST_COMMAND + STORE)
    incoming.take(1, DATA + b"odd")
    message = incoming.take(1, LAST_DATA + b"!!")
    assert message is not None
    assert message.file is not None
    assert message.file.parent == spool
    assert "passwd" not in message.file.name
    assert message.file.read_bytes() == b"odd!!"


def test_an_unfinished_instance_leaves_no_file(spool: Path) -> None:
    incoming = Incoming("pacs")
    incoming.spool = spool
    incoming.take(1, LAST_COMMAND + STORE)
    incoming.take(1, DATA + b"half")
    incoming.discard()
    assert list(spool.iterdir()) == []


def test_an_instance_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody asked"):
        Incoming("pacs").take(1, LAST_COMMAND + STORE)


def test_a_data_set_without_a_command_is_refused() -> None:
    with pytest.raises(ValueError, match="without a command"):
        Incoming("pacs").take(1, LAST_DATA + b"ab")


def test_commands_and_identifiers_have_a_limit() -> None:
    with pytest.raises(ValueError, match="command set is too long"):
        Incoming("pacs").take(1, COMMAND + bytes(commands.MAX_LENGTH + 1))
    incoming = Incoming("pacs")
    incoming.take(1, LAST_COMMAND + FIND)
    with pytest.raises(ValueError, match="identifier is too long"):
        incoming.take(1, DATA + bytes(MAX_IDENTIFIER + 1))


def test_an_instance_has_a_limit_and_the_next_one_its_own(spool: Path) -> None:
    incoming = Incoming("pacs", max_instance_bytes=5)
    incoming.spool = spool
    for _ in range(2):
        incoming.take(1, LAST_COMMAND + STORE)
        incoming.take(1, DATA + b"odd")
        assert incoming.take(1, LAST_DATA + b"!!") is not None
    incoming.take(1, LAST_COMMAND + STORE)
    incoming.take(1, DATA + b"odd")
    with pytest.raises(PermanentError, match="pacs sends a larger object than we take"):
        incoming.take(1, LAST_DATA + b"!!!")
