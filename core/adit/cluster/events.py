"""Events: what happened to an object, told once to whoever watches it; conditions stay the record.

A Kubernetes cluster posts them (kubernetes/events.py). Embedded there are none: nobody would remove them.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from adit.cluster.kinds import Ref

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class Happening:
    """One transition of an object: a CamelCase `reason`, what was done (`action`), and a sentence without patient data.

    `since` tells it from the same transition at another time, so that telling it twice is telling it once.
    """

    about: Ref
    uid: str
    type: EventType
    reason: str
    action: str
    note: str
    since: str


class EventRecorder(Protocol):
    """Takes events, and gives them to whoever shows them."""

    def record(self, happening: Happening) -> None:
        """Take one; never waits and never fails. What cannot be told is counted and forgotten."""
        ...


class NoEvents:
    """Tells nobody."""

    def record(self, happening: Happening) -> None:
        del happening
