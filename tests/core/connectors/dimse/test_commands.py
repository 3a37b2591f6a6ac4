"""Command sets as bytes, and back."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.dimse import commands
from adit.dimse.commands import Element, Field

UIDS = st.from_regex(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){1,6}", fullmatch=True)


@given(UIDS, UIDS, st.integers(1, 0xFFFF))
def test_a_request_survives_encoding(sop_class: str, sop_instance: str, message_id: int) -> None:
    request = commands.request(Field.C_STORE_RQ, message_id, sop_class, sop_instance)
    assert commands.decode(commands.encode(request)) == request


def test_every_element_begins_at_an_even_place_and_the_group_length_counts_them() -> None:
    encoded = commands.encode(commands.request(Field.C_FIND_RQ, 1, "1.2.3"))
    assert len(encoded) % 2 == 0
    assert struct.unpack_from("<HHII", encoded) == (0, 0, 4, len(encoded) - 12)


def test_an_echo_has_neither_priority_nor_data_set() -> None:
    echo = commands.request(Field.C_ECHO_RQ, 1, "1.2.840.10008.1.1")
    assert Element.PRIORITY not in echo
    assert not commands.has_data_set(echo)


def test_a_store_response_repeats_what_it_answers() -> None:
    request = commands.request(Field.C_STORE_RQ, 7, "1.2", "1.2.3")
    response = commands.store_response(request, 0)
    assert commands.number(response, Element.MESSAGE_ID_RESPONDED_TO) == 7
    assert commands.text(response, Element.AFFECTED_SOP_INSTANCE_UID) == "1.2.3"


def test_the_list_that_dcmtk_puts_behind_the_command_is_passed_over() -> None:
    encoded = commands.encode(commands.request(Field.C_ECHO_RQ, 1, "1.2"))
    behind = struct.pack("<HHI", 0x0008, 0x0058, 4) + b"1.2\0"
    assert commands.decode(encoded + behind) == commands.decode(encoded)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_called_unreadable(encoded: bytes) -> None:
    try:
        command = commands.decode(encoded)
    except ValueError:
        return
    assert Element.COMMAND_FIELD in command


@pytest.mark.parametrize("encoded", [b"", b"\0" * 7, struct.pack("<HHI", 0, 0x100, 2)])
def test_a_command_that_is_cut_short_is_refused(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="command"):
        commands.decode(encoded)
