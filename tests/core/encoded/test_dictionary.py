"""The dictionary by number, against pydicom's functions."""

import pytest
from pydicom.datadict import DicomDictionary, dictionary_VR, keyword_for_tag  # type: ignore[attr-defined]  # as in code

from adit.encoded.dictionary import is_known, is_private, keyword_of, vr_of


@pytest.mark.parametrize(
    ("tag", "vr", "keyword"),
    [
        (0x00100010, b"PN", "PatientName"),
        (0x00081140, b"SQ", "ReferencedImageSequence"),
        (0x7FE00010, b"OW", "PixelData"),
        (0x00280106, b"US", "SmallestImagePixelValue"),
        (0x00283006, b"US", "LUTData"),
        (0x60000010, b"US", "OverlayRows"),
        (0x60023000, b"OW", "OverlayData"),
        (0x501E0010, b"US", "NumberOfPoints"),
        (0x00080000, b"UL", "00080000"),
        (0x00091001, b"UN", "00091001"),
        (0x00090010, b"UN", "00090010"),
        (0x00120815, b"UN", "00120815"),
        (0x60013000, b"UN", "60013000"),
        (0xFFFEE000, b"UN", "FFFEE000"),
        (0xFFFE0000, b"UN", "FFFE0000"),
    ],
)
def test_a_tag_has_one_vr_and_one_name(tag: int, vr: bytes, keyword: str) -> None:
    assert (vr_of(tag), keyword_of(tag)) == (vr, keyword)


def test_every_entry_of_pydicom_is_known_by_the_same_name_and_one_of_its_vrs() -> None:
    listed = [tag for tag in DicomDictionary if tag >> 16 != 0xFFFE]
    assert len(listed) > 5000
    for tag in listed:
        assert is_known(tag)
        assert vr_of(tag).decode() in dictionary_VR(tag).split(" or ")
        assert keyword_of(tag) == (keyword_for_tag(tag) or f"{tag:08X}")


def test_only_the_even_groups_of_overlays_and_curves_repeat() -> None:
    assert all(is_known(group << 16 | 0x0010) == (group % 2 == 0) for group in range(0x6000, 0x6020))


def test_a_group_length_and_an_item_are_in_no_dictionary() -> None:
    assert not any(map(is_known, (0x00080000, 0x00090000, 0xFFFEE000, 0xFFFEE00D)))


def test_private_is_what_has_an_odd_group() -> None:
    assert [is_private(tag) for tag in (0x00091001, 0x00100010, 0x00080009, 0x7FE10010)] == [True, False, False, True]
