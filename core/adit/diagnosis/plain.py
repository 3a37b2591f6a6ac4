"""Findings as lines of text, for a terminal of so many columns or a pipe. Pure.

ok        pacs   answers C-ECHO (12 ms)
problem   pacs   127.0.0.1:11112 refuses the connection  [PortClosed]
          cause  the machine is there, and no program listens on this port
          fix    start the service there, or correct spec.dimse.host and port
"""

import textwrap
from collections.abc import Iterable, Iterator

from adit.diagnosis.finding import Finding

MARK = 10
_NARROWEST = 60
_LABEL = 7
_QUICK_SECONDS = 10.0


def lines(finding: Finding, width: int) -> Iterator[str]:
    """The first line begins with the verdict; the others are indented."""
    width = max(width, _NARROWEST)
    code = "" if finding.verdict == "ok" else f"  [{finding.code}]"
    sentence = f"{finding.about}: {finding.what}{_time(finding.seconds)}{code}"
    yield from _wrapped(finding.verdict.ljust(MARK), sentence, width, " " * MARK)
    for row in table(finding.rows, width - MARK):
        yield " " * MARK + row
    for label, text in (("cause", finding.cause), ("fix", finding.fix)):
        if text:
            yield from _wrapped(" " * MARK + label.ljust(_LABEL), text, width, " " * (MARK + _LABEL))


def table(rows: tuple[tuple[str, ...], ...], width: int) -> Iterator[str]:
    """Aligned columns; a row that is too long goes on in the next line, under its second column."""
    if not rows:
        return
    first = max(len(row[0]) for row in rows)
    for row in rows:
        cells = "   ".join(row[1:])
        yield from _wrapped(f"{row[0].ljust(first)}   " if cells else row[0], cells, width, " " * (first + 3))


def summary(findings: Iterable[Finding]) -> str:
    """The last line: how many of which."""
    counts = {"problem": 0, "warning": 0, "skipped": 0}
    for finding in findings:
        if finding.verdict in counts:
            counts[finding.verdict] += 1
    if not counts["problem"] and not counts["warning"]:
        left = f" ({counts['skipped']} could not be looked at)" if counts["skipped"] else ""
        return f"nothing is wrong{left}"
    parts = [f"{counts[word]} {word}{'s' if counts[word] != 1 else ''}" for word in ("problem", "warning")]
    if counts["skipped"]:
        parts.append(f"{counts['skipped']} skipped")
    return ", ".join(parts) + "; docs/troubleshooting.md explains every word in [brackets]"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f" ({seconds * 1000:.0f} ms)" if seconds < _QUICK_SECONDS else f" ({seconds:.0f} s)"


def _wrapped(head: str, text: str, width: int, indent: str) -> list[str]:
    # what a peer says may hold anything; control characters would move the cursor of a terminal
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return textwrap.wrap(
        clean,
        width,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]
