"""The head reader finds what names a folder in every encoding, and refuses what is none."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.connectors.folder.head import UnreadableHead, head_values
from adit.connectors.folder.identity import Identity
from adit.testing.elements import DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from adit.testing.odd_files import STUDY_UID, odd_files
from adit.transfer.instance import Instance
from adit.transfer.part10 import open_part10

WANTED = frozenset({0x00100020, 0x00200011})
NESTED = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)


def instance(data_set: bytes, syntax: str = EXPLICIT_LITTLE) -> Instance:
    return Instance("1.2", "1.2.3", syntax, (data_set,))


def test_every_odd_data_set_tells_its_study(tmp_path: Path) -> None:
    for name, path in odd_files(tmp_path).items():
        identity = Identity.of(open_part10(path))
        assert (name, identity.study_instance_uid) == (name, STUDY_UID)
        assert identity.series_instance_uid
        assert identity.sop_instance_uid


@given(st.binary(max_size=200), st.sampled_from([EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE]))
def test_random_bytes_are_read_or_refused_and_nothing_else(data: bytes, syntax: str) -> None:
    with suppress(UnreadableHead):
        assert head_values(instance(data, syntax), WANTED).keys() <= WANTED


def test_endless_nesting_is_refused() -> None:
    with pytest.raises(UnreadableHead, match="nested"):
        head_values(instance(NESTED * 1000), WANTED)


def test_a_deflated_bomb_is_refused_before_it_fills_the_memory() -> None:
    bomb = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    header = struct.pack("<HH2sHI", 0x0009, 0x0010, b"OB", 0, 0xFFFFFFF0)
    packed = bomb.compress(header) + b"".join(bomb.compress(bytes(1 << 20)) for _ in range(300)) + bomb.flush()
    with pytest.raises(UnreadableHead, match="larger"):
        head_values(instance(packed, DEFLATED_LITTLE), WANTED)


def test_a_value_that_is_too_long_for_a_name_is_passed_over() -> None:
    long = struct.pack("<HH2sHI", 0x0010, 0x0020, b"UN", 0, 1 << 16) + bytes(1 << 16)
    number = struct.pack("<HH2sH", 0x0020, 0x0011, b"IS", 2) + b"7 "
    assert head_values(instance(long + number), WANTED) == {0x00200011: b"7 "}
