"""Windows: whether a server may be worked with at a moment, and when that changes. Pure: whoever asks brings the time.

The rule is that of a clock on the wall of the window's time zone. A window opens at the first moment at which that
clock shows its start or a later time of that date, and closes at the first at which it shows its end or a later one:

- **Over midnight** it belongs to the day on which it opens.
- **In the night that misses 02:00–03:00** a time in the gap is the moment of the jump. A window 01:00–03:00 is open for
  one hour, one from 02:00 to 03:00 not at all, one from 02:30 to 04:00 from 03:00 on.
- **In the night that has 02:00–03:00 twice** a time in it is its first occurrence, and only that: a window 01:00–03:00
  is open for three hours, one until 02:30 closes at the first half past two and does not open again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from adit.api.window import DAYS, Window

# How far ahead a change is looked for: a window opens once a week at least, and a clock change may take one opening.
FORESIGHT = timedelta(days=15)
# A window that opened three days ago has closed in every time zone; those of the far end are complete two days earlier.
_BACK, _AHEAD = 3, FORESIGHT.days + 2
_MIDNIGHT = "24:00"


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether it is open, and until when that stays so; None: longer than one can foresee (15 days), mostly for ever.

    `hard`: the end of this opening interrupts the task in hand. Windows that overlap or touch are one opening, and the
    one that ends it decides; of several that end it together, one hard window is enough.
    """

    open: bool
    changes_at: datetime | None = None
    hard: bool = False


ALWAYS = Opening(open=True)


@dataclass(frozen=True, slots=True)
class _Stretch:
    start: datetime
    end: datetime
    hard: bool


def opening(windows: tuple[Window, ...], now: datetime) -> Opening:
    """How windows stand at a moment (with a time zone); no window at all is always open."""
    if not windows:
        return ALWAYS
    now = now.astimezone(UTC)
    horizon = now + FORESIGHT
    for stretch in _stretches(windows, now.date()):
        if stretch.end <= now:
            continue
        if stretch.start > now:
            return Opening(open=False, changes_at=stretch.start if stretch.start <= horizon else None)
        ends = stretch.end <= horizon
        return Opening(open=True, changes_at=stretch.end if ends else None, hard=stretch.hard and ends)
    return Opening(open=False)


def opening_of_all(servers: Iterable[tuple[Window, ...]], now: datetime) -> Opening:
    """How the windows of several objects stand together: open only while all of them are (one endpoint, both ends)."""
    sets = tuple(dict.fromkeys(windows for windows in servers if windows))
    now = moment = now.astimezone(UTC)
    while moment - now <= FORESIGHT:
        seen = [opening(windows, moment) for windows in sets]
        closed = [one.changes_at for one in seen if not one.open]
        if not closed:
            return _together(seen) if moment == now else Opening(open=False, changes_at=moment)
        if None in closed:
            break
        moment = max(change for change in closed if change is not None)
    return Opening(open=False)


def _together(seen: Sequence[Opening]) -> Opening:
    """All are open: the first end is the end of all."""
    ends = min((one.changes_at for one in seen if one.changes_at is not None), default=None)
    return Opening(open=True, changes_at=ends, hard=any(one.hard for one in seen if one.changes_at == ends))


@lru_cache(maxsize=1024)
def _stretches(windows: tuple[Window, ...], day: date) -> tuple[_Stretch, ...]:
    """What is open around a day, in order, each stretch apart from the next; the same all day long, so remembered."""
    dates = [day + timedelta(days=offset) for offset in range(-_BACK, _AHEAD + 1)]
    single = [_stretch(window, one) for window in windows for one in dates if DAYS[one.weekday()] in window.days]
    merged: list[_Stretch] = []
    for stretch in sorted((one for one in single if one.start < one.end), key=lambda one: one.start):
        last = merged[-1] if merged else None
        if last is None or stretch.start > last.end:
            merged.append(stretch)
        elif stretch.end > last.end:
            merged[-1] = _Stretch(last.start, stretch.end, stretch.hard)
        elif stretch.end == last.end:
            merged[-1] = _Stretch(last.start, last.end, last.hard or stretch.hard)
    return tuple(merged)


def _stretch(window: Window, day: date) -> _Stretch:
    zone = ZoneInfo(window.time_zone)
    opens, closes = datetime.combine(day, _time(window.start)), datetime.combine(day, _time(window.end))
    if closes <= opens:
        closes += timedelta(days=1)
    return _Stretch(_first_shown(opens, zone), _first_shown(closes, zone), window.hard)


def _time(text: str) -> time:
    return time.fromisoformat("00:00" if text == _MIDNIGHT else text)


def _first_shown(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment, in UTC, at which a clock of the zone shows this date and time or a later one."""
    moment = wall.replace(tzinfo=zone).astimezone(UTC)  # of two, the first (fold=0)
    if _shown(moment, zone) == wall:
        return moment
    # The clock jumps over this time: fold=1 lies before the jump, fold=0 behind it.
    before, behind = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    while behind - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(behind - before) // timedelta(seconds=2))
        before, behind = (middle, behind) if _shown(middle, zone) < wall else (before, middle)
    return behind


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
