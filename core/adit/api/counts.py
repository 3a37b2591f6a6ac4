"""The counts of design: listed = excluded + expected; expected = received = rewritten = stored = verified."""

from typing import Annotated

from pydantic import Field

from adit.api.model import Model

Count = Annotated[int, Field(ge=0)]


class InstanceCounts(Model):
    """How many SOP instances got how far; `verified` is absent where nothing verifies."""

    listed: Count = 0
    excluded: Count = 0
    expected: Count = 0
    received: Count = 0
    rewritten: Count = 0
    stored: Count = 0
    verified: Count | None = None

    def __add__(self, other: "InstanceCounts") -> "InstanceCounts":
        def total(one: int | None, two: int | None) -> int | None:
            return None if one is None and two is None else (one or 0) + (two or 0)

        return InstanceCounts(
            listed=self.listed + other.listed,
            excluded=self.excluded + other.excluded,
            expected=self.expected + other.expected,
            received=self.received + other.received,
            rewritten=self.rewritten + other.rewritten,
            stored=self.stored + other.stored,
            verified=total(self.verified, other.verified),
        )


class TaskCounts(Model):
    """How many tasks are in which state; they add up to `total`."""

    total: Count = 0
    pending: Count = 0
    succeeded: Count = 0
    warned: Count = 0
    failed: Count = 0
    canceled: Count = 0

    @property
    def finished(self) -> int:
        """Tasks that will not be worked again in this round."""
        return self.succeeded + self.warned + self.failed + self.canceled
