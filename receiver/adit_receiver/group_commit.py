"""Group commit: whoever comes while a commit is under way waits for the next one, which takes all of them together."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class CommitBroken(RuntimeError):
    """The commit of the batch raised, in the thread that led it: a fault of ours, and nobody's success."""


class _Ticket(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item
        self.done = False
        self.error: BaseException | None = None


class GroupCommit(Generic[T]):
    """`commit` is given what waits, in the thread of one of those who wait; alone, nobody waits for another thread.

    It answers each item's error, by position; what it raises is a fault of ours, which ends the thread that led it.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Sequence[BaseException | None]]) -> None:
        self._commit = commit
        self._changed = threading.Condition()
        self._waiting: list[_Ticket[T]] = []
        self._busy = False

    def __call__(self, item: T) -> None:
        """Commit it, with whoever else waits. Raises what its commit answers for it; CommitBroken."""
        ticket = _Ticket(item)
        with self._changed:
            self._waiting.append(ticket)
            while self._busy and not ticket.done:
                self._changed.wait()
            batch, self._waiting = ([], self._waiting) if ticket.done else (self._waiting, [])
            self._busy = self._busy or bool(batch)
        if batch:
            self._lead(batch)
        if ticket.error is not None:
            raise ticket.error

    def _lead(self, batch: list[_Ticket[T]]) -> None:
        """Whatever becomes of the commit, everybody in the batch hears of it, each of an error of its own."""
        errors: list[BaseException | None] = [CommitBroken("the commit of this batch did not end") for _ in batch]
        try:
            answers = self._commit([one.item for one in batch])
            errors = [error for _, error in zip(batch, answers, strict=True)]
        finally:
            with self._changed:
                for one, error in zip(batch, errors, strict=True):
                    one.done, one.error = True, error
                self._busy = False
                self._changed.notify_all()
