"""The few header values of an instance that nobody listed, in every encoding."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.testing.elements import DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, encode_elements
from adit.transfer.header import Header, header_of
from adit.transfer.instance import Instance

ELEMENTS = (
    (0x00080018, "UI", b"1.2.3.1.1"),
    (0x00080060, "CS", b"SR"),
    (0x00100010, "PN", "Müller^Jörg".encode("latin-1")),
    (0x0020000D, "UI", b"1.2.3"),
    (0x0020000E, "UI", b"1.2.3.1"),
    (0x7FE00010, "OW", bytes(64)),
)


def instance(data: bytes, syntax: str = EXPLICIT_LITTLE) -> Instance:
    return Instance("1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1", syntax, (data,))


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE, "1.2.840.10008.1.2.4.50"])
def test_study_series_and_modality_are_read(syntax: str) -> None:
    plain = IMPLICIT_LITTLE if syntax == IMPLICIT_LITTLE else EXPLICIT_LITTLE
    assert header_of(instance(encode_elements(ELEMENTS, plain), syntax)) == Header("1.2.3", "1.2.3.1", "SR")


def test_a_deflated_data_set_is_read_without_inflating_it_all() -> None:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = deflater.compress(encode_elements(ELEMENTS, EXPLICIT_LITTLE)) + deflater.flush()
    assert header_of(instance(data, DEFLATED_LITTLE)) == Header("1.2.3", "1.2.3.1", "SR")


def test_what_an_instance_does_not_say_is_empty() -> None:
    assert header_of(instance(encode_elements(ELEMENTS[:1], EXPLICIT_LITTLE))) == Header()


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.sampled_from([EXPLICIT_LITTLE, IMPLICIT_LITTLE, DEFLATED_LITTLE, EXPLICIT_BIG]))
def test_no_bytes_of_a_peer_break_the_reader(data: bytes, syntax: str) -> None:
    header = header_of(instance(data, syntax))
    assert header is None or len(header.study_instance_uid) <= 64
