"""Clocks: ours against the Date header of another machine (RFC 9110 5.6.7). Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from adit.diagnosis.finding import Finding, ok, problem, skipped, warning

WARNING_SECONDS, PROBLEM_SECONDS = 5.0, 60.0
# A Date header counts whole seconds and is cut, not rounded.
_HALF_A_SECOND = 0.5
_FIX = (
    "let both machines follow the same time server (chrony, systemd-timesyncd); "
    "`timedatectl` says whether this one does"
)


def compared(about: str, whose: str, date_header: str, now: datetime) -> Finding:
    """The finding for another machine's time, as its answer told it, and our time at that moment."""
    try:
        told = parsedate_to_datetime(date_header)
    except (ValueError, TypeError):
        return skipped("ClockUnknown", about, f"{whose} is not known: its answer has no Date header")
    other = told if told.tzinfo else told.replace(tzinfo=UTC)
    seconds = (now - other).total_seconds() - _HALF_A_SECOND
    if abs(seconds) <= WARNING_SECONDS:
        return ok("ClocksAgree", about, f"{whose} and ours agree within {WARNING_SECONDS:g} s")
    what = f"{whose} is {abs(seconds):.0f} s {'behind' if seconds > 0 else 'ahead of'} ours"
    if abs(seconds) <= PROBLEM_SECONDS:
        return warning(
            "ClocksDiffer",
            about,
            what,
            cause="one of the two does not follow a time server",
            fix=_FIX,
        )
    return problem(
        "ClocksApart",
        about,
        what,
        cause="one of the two clocks is wrong; certificates, tokens and the times of records then are too, and leases "
        "(60 s) look old or new to people",
        fix=_FIX,
    )
