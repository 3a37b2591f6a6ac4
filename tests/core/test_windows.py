"""Windows against a clock that is looked at minute by minute, over midnight and over both changes of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.api.window import DAYS, Day, Window
from adit.windows import FORESIGHT, Opening, opening, opening_of_all

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(text: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


def window(start: str, end: str, days: tuple[Day, ...] = DAYS, zone: str = "UTC", *, hard: bool = False) -> Window:
    return Window(start=start, end=end, days=days, time_zone=zone, hard=hard)


def test_no_window_is_always_open() -> None:
    assert opening((), at("2026-01-01 12:00")) == Opening(open=True)


def test_a_window_is_open_from_its_start_until_before_its_end() -> None:
    day = (window("08:00", "17:00"),)
    assert opening(day, at("2026-01-01 07:59")) == Opening(open=False, changes_at=at("2026-01-01 08:00"))
    assert opening(day, at("2026-01-01 08:00")) == Opening(open=True, changes_at=at("2026-01-01 17:00"))
    assert opening(day, at("2026-01-01 17:00")) == Opening(open=False, changes_at=at("2026-01-02 08:00"))


def test_over_midnight_a_window_belongs_to_the_day_on_which_it_opens() -> None:
    friday_night = (window("22:00", "06:00", ("Fri",)),)  # 2026-01-02 is a Friday
    assert opening(friday_night, at("2026-01-03 05:59")) == Opening(open=True, changes_at=at("2026-01-03 06:00"))
    assert not opening(friday_night, at("2026-01-02 05:59")).open


def test_equal_times_are_a_whole_day() -> None:
    sunday = (window("08:00", "08:00", ("Sun",)),)
    assert opening(sunday, at("2026-01-04 08:00")) == Opening(open=True, changes_at=at("2026-01-05 08:00"))


def test_24_00_is_the_midnight_at_the_end_of_the_day() -> None:
    assert opening((window("18:00", "24:00"),), at("2026-01-01 23:59")).changes_at == at("2026-01-02 00:00")


def test_windows_that_leave_no_gap_never_change() -> None:
    assert opening((window("00:00", "24:00", zone="Europe/Berlin"),), at("2026-03-28 12:00")) == Opening(open=True)


def test_the_window_that_ends_the_opening_says_whether_its_end_is_hard() -> None:
    now = at("2026-01-01 08:30")
    assert opening((window("08:00", "09:00", hard=True), window("09:00", "10:00")), now) == Opening(
        open=True, changes_at=at("2026-01-01 10:00")
    )
    assert opening((window("08:00", "10:00"), window("08:15", "12:00", hard=True)), now).hard
    assert opening((window("08:00", "10:00", hard=True), window("07:00", "10:00")), now).hard


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        ("01:00", "03:00", "2026-03-29 01:00", "2026-03-29 03:00"),
        ("02:30", "04:00", "2026-03-29 03:00", "2026-03-29 04:00"),
        ("22:00", "02:30", "2026-03-28 22:00", "2026-03-29 03:00"),
    ],
)
def test_a_time_that_the_clock_leaves_out_is_the_moment_of_the_jump(
    start: str, end: str, opens: str, closes: str
) -> None:
    windows = (window(start, end, zone="Europe/Berlin"),)
    assert opening(windows, berlin(opens)) == Opening(open=True, changes_at=berlin(closes))
    assert not opening(windows, berlin(opens) - MINUTE).open


def test_a_window_that_the_clock_leaves_out_does_not_open() -> None:
    windows = (window("02:00", "03:00", zone="Europe/Berlin"),)
    assert opening(windows, berlin("2026-03-29 00:00")).changes_at == berlin("2026-03-30 02:00")


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes", "hours"),
    [
        ("01:00", "03:00", "2026-10-25 01:00", "2026-10-25 03:00", 3.0),
        ("22:00", "02:30", "2026-10-24 22:00", "2026-10-25 02:30", 4.5),
        ("02:30", "04:00", "2026-10-25 02:30", "2026-10-25 04:00", 2.5),
    ],
)
def test_a_time_that_the_clock_shows_twice_is_its_first_occurrence(
    start: str, end: str, opens: str, closes: str, hours: float
) -> None:
    windows = (window(start, end, zone="Europe/Berlin"),)
    assert opening(windows, berlin(opens)) == Opening(open=True, changes_at=berlin(closes))
    assert berlin(closes) - berlin(opens) == timedelta(hours=hours)
    assert not opening(windows, berlin("2026-10-25 02:30", fold=1)).open or end > "02:30"


def test_an_endpoint_is_open_only_while_all_its_objects_are() -> None:
    day, evening = (window("08:00", "20:00"),), (window("16:00", "22:00", hard=True),)
    assert opening_of_all([day, evening, ()], at("2026-01-01 12:00")) == Opening(
        open=False, changes_at=at("2026-01-01 16:00")
    )
    assert opening_of_all([day, evening], at("2026-01-01 17:00")) == Opening(
        open=True, changes_at=at("2026-01-01 20:00")
    )
    assert opening_of_all([day, evening], at("2026-01-01 20:00")).changes_at == at("2026-01-02 16:00")


def test_objects_that_are_never_open_together_never_open() -> None:
    apart = [(window("08:00", "12:00"),), (window("12:00", "16:00"),)]
    assert opening_of_all(apart, at("2026-01-01 09:00")) == Opening(open=False)


times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
# Lord Howe moves by half an hour, Troll by two hours, São Paulo at midnight; Apia once left out a whole day.
ZONES = "UTC Europe/Berlin America/New_York Australia/Lord_Howe Antarctica/Troll America/Sao_Paulo Pacific/Apia"
zones = st.sampled_from(ZONES.split())
some_windows = st.lists(
    st.builds(
        Window,
        days=st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True).map(tuple),
        start=times,
        end=st.one_of(times, st.just("24:00")),
        time_zone=zones,
        hard=st.booleans(),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
# Around their changes of the clock.
CHANGES = "2026-03-28 2026-10-24 2026-03-07 2026-10-31 2026-04-04 2026-10-03 2018-02-17 2018-11-03 2011-12-29"
moments = st.sampled_from(CHANGES.split()).flatmap(
    lambda day: st.integers(0, 2 * 24 * 60).map(lambda minutes: at(f"{day} 00:00") + minutes * MINUTE)
)


def open_by_the_clock(windows: tuple[Window, ...], moment: datetime) -> bool:
    """The rule, naively: the latest time that the clock has shown, while it repeats an hour too, lies in a window."""
    return any(lies_in(one, latest_shown(moment, ZoneInfo(one.time_zone))) for one in windows)


def latest_shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return max((moment - back * MINUTE).astimezone(zone).replace(tzinfo=None) for back in range(121))


def lies_in(window: Window, shown: datetime) -> bool:
    for day in (shown.date(), shown.date() - timedelta(days=1)):
        if DAYS[day.weekday()] not in window.days:
            continue
        start = datetime.fromisoformat(f"{day} {window.start}")
        end = start + timedelta(minutes=(minutes(window.end) - minutes(window.start)) % 1440 or 1440)
        if start <= shown < end:
            return True
    return False


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


@settings(deadline=None)
@given(some_windows, moments)
def test_a_window_is_open_as_the_clock_on_the_wall_says(windows: tuple[Window, ...], moment: datetime) -> None:
    assert opening(windows, moment).open == open_by_the_clock(windows, moment)


@settings(deadline=None)
@given(some_windows, moments, st.floats(0, 1))
def test_nothing_changes_before_it_is_said_to_change(
    windows: tuple[Window, ...], moment: datetime, part: float
) -> None:
    seen = opening(windows, moment)
    until = seen.changes_at or moment + FORESIGHT
    between = moment + int(part * ((until - moment) // MINUTE - 1)) * MINUTE
    assert moment < until <= moment + FORESIGHT
    assert open_by_the_clock(windows, between) == seen.open
    assert open_by_the_clock(windows, until - MINUTE) == seen.open
    assert seen.changes_at is None or open_by_the_clock(windows, until) != seen.open


@settings(deadline=None)
@given(some_windows, moments)
def test_an_end_is_hard_only_where_a_hard_window_ends(windows: tuple[Window, ...], moment: datetime) -> None:
    seen = opening(windows, moment)
    ends = seen.changes_at if seen.open else None
    last = [one for one in windows if ends is not None and open_by_the_clock((one,), ends - MINUTE)]
    assert seen.hard == any(one.hard for one in last)


@settings(deadline=None)
@given(st.lists(some_windows, min_size=2, max_size=3), moments)
def test_several_objects_change_when_the_first_of_them_says_so(
    objects: list[tuple[Window, ...]], moment: datetime
) -> None:
    seen = opening_of_all(objects, moment)
    assert seen.open == all(open_by_the_clock(one, moment) for one in objects)
    if seen.changes_at is not None:
        assert seen.open != all(open_by_the_clock(one, seen.changes_at) for one in objects)
        assert seen.open == all(open_by_the_clock(one, seen.changes_at - MINUTE) for one in objects)
