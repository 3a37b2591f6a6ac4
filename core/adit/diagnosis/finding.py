"""Findings: what a check saw, as a value; every problem and warning says its cause and its remedy in words."""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "warning", "problem", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `code` is explained in docs/troubleshooting.md; `rows` are a table for people.

    Never patient data: names of objects, hosts, AE titles and numbers only.
    """

    verdict: Verdict
    code: str
    about: str
    what: str
    cause: str = ""
    fix: str = ""
    seconds: float | None = None
    rows: tuple[tuple[str, ...], ...] = ()

    def document(self) -> dict[str, object]:
        """As JSON for programs; what is empty is left out."""
        values = {
            "verdict": self.verdict,
            "code": self.code,
            "about": self.about,
            "what": self.what,
            "cause": self.cause,
            "fix": self.fix,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "rows": [list(row) for row in self.rows],
        }
        return {key: value for key, value in values.items() if value not in ("", None, [])}


@dataclass(frozen=True, slots=True)
class Doing:
    """What is being looked at now, for a screen that shows progress."""

    what: str


Report = Finding | Doing
Reports = AsyncGenerator[Report, None]


# Findings after which a server was not asked what it answers; those of the last one only not over HTTP.
_NOT_ASKED = {"SlotForbidden", "SlotUnknown", "SlotsTaken", "ServersUnseen"}
_NOT_ASKED_OVER_HTTP = "SecretUnreadable"


def not_asked(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The servers of which nobody knows now what they answer."""
    names = (
        f"{one.about} over HTTP" if one.code == _NOT_ASKED_OVER_HTTP else one.about
        for one in findings
        if one.code in _NOT_ASKED or one.code == _NOT_ASKED_OVER_HTTP
    )
    return tuple(dict.fromkeys(names))


def ok(code: str, about: str, what: str, *, seconds: float | None = None) -> Finding:
    """All is well."""
    return Finding("ok", code, about, what, seconds=seconds)


def note(code: str, about: str, what: str, fix: str = "") -> Finding:
    """Nothing is wrong, and a person should know."""
    return Finding("note", code, about, what, fix=fix)


def skipped(code: str, about: str, what: str, fix: str = "") -> Finding:
    """Not looked at, and why not."""
    return Finding("skipped", code, about, what, fix=fix)


def warning(code: str, about: str, what: str, *, cause: str, fix: str) -> Finding:
    """It works, or may work, and not as it should."""
    return Finding("warning", code, about, what, cause, fix)


def problem(code: str, about: str, what: str, *, cause: str, fix: str) -> Finding:
    """Transfers fail or wait because of it."""
    return Finding("problem", code, about, what, cause, fix)
