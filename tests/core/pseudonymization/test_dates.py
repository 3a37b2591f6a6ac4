"""Dates that move: intervals stay, times stay, and what is no date becomes nothing."""

from datetime import date, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adit.pseudonymization.dates import shifted

ordinary = st.dates(date(1901, 1, 1), date(2150, 12, 31))
backwards = st.integers(-36_500, -1)
times = st.from_regex(r"([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9](\.[0-9]{1,6})?)?)?", fullmatch=True)
offsets = st.sampled_from(["", "+0000", "+0100", "-0500", "-1200", "+1400", "+0545"])


def written(day: date) -> str:
    return f"{day:%Y%m%d}"


def read(text: str | None) -> date:
    assert text is not None
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


@settings(deadline=None)
@given(ordinary, ordinary, backwards)
def test_the_days_between_two_dates_of_a_patient_stay(one: date, other: date, days: int) -> None:
    moved = [read(shifted(b"DA", written(day), days)) for day in (one, other)]
    assert moved[1] - moved[0] == other - one
    assert moved[0] - one == timedelta(days)


@settings(deadline=None)
@given(ordinary, backwards, st.one_of(st.just(""), times), offsets)
def test_a_date_time_moves_as_a_date_does_and_keeps_its_time_and_offset(
    day: date, days: int, time: str, offset: str
) -> None:
    moved = shifted(b"DT", f"{written(day)}{time}{offset}", days)
    assert moved == f"{shifted(b'DA', written(day), days)}{time}{offset}"


@settings(deadline=None)
@given(ordinary, backwards, offsets)
def test_a_month_and_a_year_keep_their_precision_and_move_by_about_as_much(day: date, days: int, offset: str) -> None:
    month = shifted(b"DT", f"{day:%Y%m}{offset}", days)
    year = shifted(b"DT", f"{day:%Y}{offset}", days)
    expected = day.replace(day=15) + timedelta(days)
    assert month == f"{expected:%Y%m}{offset}"
    assert year == f"{day.replace(month=7, day=1) + timedelta(days):%Y}{offset}"


@settings(deadline=None)
@given(ordinary, ordinary, backwards)
def test_both_ends_of_a_range_move(one: date, other: date, days: int) -> None:
    begin, end = (shifted(b"DA", written(day), days) for day in (one, other))
    for vr in (b"DA", b"DT"):
        assert shifted(vr, f"{written(one)}-{written(other)}", days) == f"{begin}-{end}"
        assert shifted(vr, f"-{written(other)}", days) == f"-{end}"
        assert shifted(vr, f"{written(one)}-", days) == f"{begin}-"


def test_a_hyphen_before_an_offset_parts_no_range() -> None:
    assert shifted(b"DT", "20200301-0500", -1) == "20200229-0500"
    assert shifted(b"DT", "20200301-0500-20200302+0100", -1) == "20200229-0500-20200301+0100"
    assert shifted(b"DT", "2020-1200", -400) == "2019-1200"
    assert shifted(b"DT", "2020-2021", -400) == "2019-2020"


def test_the_form_of_old_is_read_and_written_as_today() -> None:
    assert shifted(b"DA", "2020.03.01", -1) == "20200229"


@pytest.mark.parametrize("value", ["20200301 ", "20200301\0", " 20200301", "20200301\0\0"])
def test_padding_does_not_matter(value: str) -> None:
    assert shifted(b"DA", value, -1) == "20200229"


@pytest.mark.parametrize("value", ["101112", "10", "1011", "101112.123456", "10:11:12", "1011-1213", "101112-"])
def test_times_stay(value: str) -> None:
    assert shifted(b"TM", value, -40) == value


@pytest.mark.parametrize(
    "value", ["Smith", "2500", "101", "101112.1234567", "-", "1012 Smith", "\u0661\u0660\u0661\u0661"]
)
def test_what_is_no_time_does_not_stay(value: str) -> None:
    assert shifted(b"TM", value, -40) is None


@pytest.mark.parametrize(
    "value",
    [
        "00000000",
        "20200230",
        "20201301",
        "2020-01-01",
        "2020.1.1",
        "202001",
        "20200101-20200230",
        "-",
        "--",
        "2020 0101",
        "20200101101112",
        "\u0662\u0660\u0662\u0660\u0660\u0661\u0660\u0661",  # digits, but none of DICOM's
        "\uff12\uff10\uff12\uff10\uff10\uff11\uff10\uff11",
        "\u00b20200101",
        "Smith",
        "20200101\\20200102",
        "9" * 100_000,
        "-" * 100_000,
    ],
)
def test_what_is_no_date_becomes_nothing(value: str) -> None:
    assert shifted(b"DA", value, -40) is None


@pytest.mark.parametrize(
    "value", ["2020010124", "20200101+2000", "202001011060", "20200101.5", "202", "2020010110 +0100"]
)
def test_what_is_no_date_time_becomes_nothing(value: str) -> None:
    assert shifted(b"DT", value, -40) is None


@pytest.mark.parametrize("value", ["00010101", "18581117", "19000101", "99991231", "99990101"])
def test_what_stands_for_unknown_would_tell_by_how_much_it_moved(value: str) -> None:
    assert shifted(b"DA", value, -40) is None
    assert shifted(b"DT", f"{value}000000", -40) is None


def test_no_date_leaves_the_years_that_there_are() -> None:
    assert shifted(b"DA", "00010209", -40) is None
    assert shifted(b"DA", "00010211", -40) == "00010102"
    assert shifted(b"DA", "99981231", 1) == "99990101"
    assert shifted(b"DA", "20200101", 10**12) is None


def test_nothing_stays_nothing() -> None:
    assert [shifted(vr, value, -40) for vr in (b"DA", b"DT", b"TM") for value in ("", " ", "\0")] == [""] * 9


def test_another_text_is_moved_where_it_is_a_date() -> None:
    assert shifted(b"LO", "20200301", -1) == "20200229"
    assert shifted(b"SH", "202003011213", -1) == "202002291213"
    assert shifted(b"LO", "seen on 20200301", -1) is None


@settings(deadline=None)
@given(st.sampled_from([b"DA", b"DT", b"TM", b"LO"]), st.text(), backwards)
@example(b"DT", "20200101-", -1)
def test_no_text_raises_and_no_letter_comes_through(vr: bytes, value: str, days: int) -> None:
    result = shifted(vr, value, days)
    assert result is None or set(result) <= set("0123456789.:+- \0")


@settings(deadline=None)
@given(st.sampled_from([b"DA", b"DT"]), st.text("0123456789.-+ ", max_size=30), backwards)
def test_no_digits_raise(vr: bytes, value: str, days: int) -> None:
    result = shifted(vr, value, days)
    assert result is None or len(result) <= 53
