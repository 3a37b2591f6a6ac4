"""Findings as lines of text, for a terminal of so many columns or a pipe. Pure.

ok        pacs   answers C-ECHO (12 ms)
problem   pacs   127.0.0.1:11112 refuses the connection  [PortClosed]
          cause  the machine is there, and no program listens on this port
          fix    start the service there, or correct spec.dimse.host and port
"""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from adit.diagnosis.finding import Finding, Verdict, not_asked

MARK = 10
_NARROWEST = 60
_LABEL = 7
_QUICK_SECONDS = 10.0
_COUNTED: tuple[Verdict, ...] = ("problem", "warning")


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


def summary(findings: Sequence[Finding]) -> str:
    """The last line: how many of which, and which servers nobody asked."""
    counts = Counter(finding.verdict for finding in findings)
    names = not_asked(findings)
    unseen = sum(finding.verdict == "skipped" and not not_asked([finding]) for finding in findings)
    plural = len(names) != 1 or names == ("servers",)
    unasked = f"{' and '.join(names)} {'were' if plural else 'was'} not asked" if names else ""
    if not counts["problem"] and not counts["warning"]:
        left = f" ({unseen} could not be looked at)" if unseen else ""
        if unasked:
            return f"nothing was found, but {unasked}{left}"
        return f"nothing wrong was found{left}" if left else "nothing is wrong"
    parts = [f"{counts[word]} {word}{'s' if counts[word] != 1 else ''}" for word in _COUNTED]
    parts += [unasked] if unasked else []
    parts += [f"{unseen} skipped"] if unseen else []
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
