"""Meter: what the runner tells of itself while it works; nobody listens unless the program has a port for it."""

from typing import Protocol

from adit.connectors.openings import Openings, Uncounted
from adit.transfer.transfer import TaskOutcome


class Meter(Openings, Protocol):
    """Told of every association, and of every task that was worked, finished or not."""

    def worked(self, outcome: TaskOutcome, word: str) -> None:
        """`word`: Success, Warning, Failure; ToBeRepeated or Interrupted where the task is still open."""
        ...


class Unmetered(Uncounted):
    """Counts nothing."""

    def worked(self, outcome: TaskOutcome, word: str) -> None:
        del outcome, word


UNMETERED: Meter = Unmetered()
