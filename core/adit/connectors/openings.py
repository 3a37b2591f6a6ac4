"""Openings: whoever counts is told of each association that is opened, or cannot be; HTTP has no associations."""

from typing import Protocol


class Openings(Protocol):
    """Called on the thread that uses the connector, before it goes on."""

    def opened(self, seconds: float) -> None:
        """An association was established, after so many seconds."""
        ...

    def failed(self, reason: str) -> None:
        """None could be; `reason` is the code of the error."""
        ...


class Uncounted:
    """Counts nothing."""

    def opened(self, seconds: float) -> None:
        del seconds

    def failed(self, reason: str) -> None:
        del reason


UNCOUNTED: Openings = Uncounted()
