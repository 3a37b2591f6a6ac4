"""Dates that move: one value of DA, DT or TM in, the same value a patient's number of days away out; never raises.

Called by the rewriter where a rule says ShiftDate. Intervals between a patient's dates stay, times and offsets stay.
"""

import re
from datetime import date

from adit.pseudonymization.patient import PADDING

# Two DTs in full and the hyphen of a range between them.
_LONGEST = 53
_TIME = r"(?:[01][0-9]|2[0-3])(?:[0-5][0-9](?:(?:[0-5][0-9]|60)(?:\.[0-9]{1,6})?)?)?"
_OFFSET = r"(?:[+-](?:0[0-9]|1[0-4])[0-5][0-9])?"
_DAY_AND_TIME = re.compile(rf"([0-9]{{8}})((?:{_TIME})?{_OFFSET})")
_MONTH_OR_YEAR = re.compile(rf"([0-9]{{4}})([0-9]{{2}})?({_OFFSET})")
_OLD_DAY = re.compile(r"([0-9]{4})\.([0-9]{2})\.([0-9]{2})")
_TM = re.compile(rf"{_TIME}|[0-2][0-9]:[0-5][0-9](?::[0-6][0-9](?:\.[0-9]{{1,6}})?)?")
# What stands for "unknown": everybody knows the original, so moving it would tell the patient's number of days.
_PLACEHOLDERS = frozenset({date(1, 1, 1), date(1858, 11, 17), date(1900, 1, 1)})
_NO_YEAR = 9999


def shifted(vr: bytes, value: str, days: int) -> str | None:
    """One value, `days` days later (a negative number: earlier); None where it is no date, so that it is emptied.

    DA also in the old form 2020.01.02 (the answer is in today's), DT of every precision and offset, ranges of both.
    TM stays. Other VRs are read as DA, then as DT. What is shorter than a day stands for its middle, the 15th or July
    1st, and keeps its precision: YYYYMM and YYYY move by about as much. None too: days that stand for "unknown"
    (0001-01-01, 1858-11-17, 1900-01-01, the year 9999), and what would leave the years 1 to 9999.
    """
    if vr == b"DA" and len(value) == 8 and value.isascii() and value.isdigit():  # noqa: PLR2004 -- YYYYMMDD
        return _moved(value, days)
    text = value.strip(PADDING)
    if not text:
        return ""
    if len(text) > _LONGEST:
        return None
    if vr == b"TM":
        return value if _is_time(text) else None
    if vr == b"DA":
        return _day(text, days) or _range(text, days, times=False)
    return _day(text, days) or _day_and_time(text, days) or _range(text, days, times=True)


def _moved(digits: str, days: int) -> str | None:
    """YYYYMMDD, `days` later."""
    try:
        day = date.fromisoformat(digits)
        if day in _PLACEHOLDERS or day.year == _NO_YEAR:
            return None
        return date.fromordinal(day.toordinal() + days).isoformat().replace("-", "")
    except (ValueError, OverflowError):
        return None


def _day(text: str, days: int) -> str | None:
    if len(text) == 8 and text.isascii() and text.isdigit():  # noqa: PLR2004 -- YYYYMMDD
        return _moved(text, days)
    if old := _OLD_DAY.fullmatch(text):
        return _moved("".join(old.groups()), days)
    return None


def _day_and_time(text: str, days: int) -> str | None:
    if found := _DAY_AND_TIME.fullmatch(text):
        day = _moved(found[1], days)
        return None if day is None else day + found[2]
    if found := _MONTH_OR_YEAR.fullmatch(text):
        year, month, offset = found.groups()
        middle = _moved(f"{year}{month}15" if month else f"{year}0701", days)
        return None if middle is None else middle[: 6 if month else 4] + offset
    return None


def _range(text: str, days: int, *, times: bool) -> str | None:
    """A hyphen parts two dates, or stands before or behind one; any of them may also begin an offset from UTC."""
    one = _day_and_time if times else _day
    for hyphen in re.finditer("-", text):
        begin, end = text[: hyphen.start()], text[hyphen.end() :]
        first, last = (one(side, days) if side else "" for side in (begin, end))
        if (begin or end) and first is not None and last is not None:
            return f"{first}-{last}"
    return None


def _is_time(text: str) -> bool:
    begin, _, end = text.partition("-")
    return bool(begin or end) and all(not side or _TM.fullmatch(side) for side in (begin, end))
