"""The table of PS3.15 Annex E as the program reads it."""

import pytest

from adit.pseudonymization.annex_e.table import EDITION, ROWS, TABLE, mask_row


def test_the_table_says_which_edition_of_the_standard_it_is() -> None:
    assert EDITION == "2026d"
    assert len(TABLE) == 656


def test_a_row_is_found_by_its_tag() -> None:
    row = ROWS[0x00080050]
    assert (row.tag, row.name, row.basic) == ("00080050", "Accession Number", "Z")


def test_a_row_names_what_each_option_does() -> None:
    assert ROWS[0x00080020].options == {"RetainLongitudinalFullDates": "K", "RetainLongitudinalModifiedDates": "C"}


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (0x50000010, "Curve Data"),
        (0x501E3000, "Curve Data"),
        (0x60003000, "Overlay Data"),
        (0x60FE3000, "Overlay Data"),
        (0x601E4000, "Overlay Comments"),
    ],
)
def test_a_repeating_group_has_one_row_for_all_of_its_groups(tag: int, name: str) -> None:
    row = mask_row(tag)
    assert row is not None
    assert row.name == name


@pytest.mark.parametrize("tag", [0x60000010, 0x00100010, 0x7FE00010, 0x61003000])
def test_what_is_in_no_repeating_group_of_the_table_has_no_such_row(tag: int) -> None:
    assert mask_row(tag) is None


def test_every_row_is_found_in_one_way() -> None:
    for row in TABLE:
        found = mask_row(int(row.tag.replace("X", "0"), 16)) if "X" in row.tag else ROWS[int(row.tag, 16)]
        assert found == row
