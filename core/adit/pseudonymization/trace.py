"""What a rewriting leaves behind beside bytes: which originals went, what was made of them, and what was done where."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from adit.pseudonymization.actions import Action
from adit.pseudonymization.identifiers import NOTHING, Identifiers

Deed = tuple[int, Action]


class Entry(NamedTuple):
    """One element as it leaves, and its part of the trace; what a memo holds."""

    out: bytes
    uids: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    identifiers: Identifiers = NOTHING
    dates: tuple[int, ...] = ()
    deeds: tuple[Deed, ...] = ()
    kept_uids: tuple[str, ...] = ()


@dataclass(slots=True)
class Trace:
    """Gathered over one instance: original UIDs that were replaced, values of ours, identifiers found on the way.

    `dates` are the tags whose dates an option leaves, as they are or shifted; `deeds` is what was done, tag by tag;
    `kept_uids` stay by a rule, so that they are nothing to look for.
    """

    uids: set[str] = field(default_factory=set)
    generated: set[str] = field(default_factory=set)
    identifiers: Identifiers = NOTHING
    dates: set[int] = field(default_factory=set)
    deeds: list[Deed] = field(default_factory=list)
    kept_uids: set[str] = field(default_factory=set)

    def did(self, tag: int, action: Action) -> None:
        self.deeds.append((tag, action))

    def add(self, entry: Entry) -> None:
        """Take over what a memoised element left behind."""
        if entry.uids or entry.generated:
            self.uids.update(entry.uids)
            self.generated.update(entry.generated)
        if entry.identifiers is not NOTHING:
            self.identifiers |= entry.identifiers
        if entry.dates:
            self.dates.update(entry.dates)
        if entry.kept_uids:
            self.kept_uids.update(entry.kept_uids)
        self.deeds.extend(entry.deeds)

    def witnessed(self, entry: Entry) -> None:
        """Take over what an element said of somebody; it is replaced by something else."""
        self.uids.update(entry.uids)
        if entry.identifiers is not NOTHING:
            self.identifiers |= entry.identifiers

    def entry(self, out: bytes) -> Entry:
        """What was gathered for one element alone, to be remembered."""
        return Entry(
            out,
            uids=tuple(self.uids),
            generated=tuple(self.generated),
            identifiers=self.identifiers,
            dates=tuple(self.dates),
            deeds=tuple(self.deeds),
            kept_uids=tuple(self.kept_uids),
        )

    def replaced(self, originals: Iterable[str], news: Iterable[str]) -> None:
        self.uids.update(originals)
        self.generated.update(news)
