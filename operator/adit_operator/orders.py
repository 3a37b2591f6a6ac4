"""Orders: what admission said last of running sets. Reconcile writes it as `stop`, so that only one writes there.

Beside it what admission has to remember of the runners that it made, or could not make.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from adit_operator.backoff import BackOff
from adit_operator.observed import SeenJob, Yield

if TYPE_CHECKING:
    from adit.cluster.kinds import Ref

# A runner that was refused may be refused for good: then its job asks once a minute.
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0


class Orders:
    """The yields by TaskSet UID, None before the first turn; and how many runners were told to make room, by reason."""

    def __init__(self) -> None:
        self.yields: Mapping[str, Yield] | None = None
        self._evicted: Counter[str] = Counter()
        # the Jobs that were to be made and of which no answer said whether they were
        self.attempted: dict[Ref, SeenJob | None] = {}
        # since when each Job is known, by its UID, in monotonic seconds
        self.known_since: dict[str, float] = {}
        # the last attempt at each set, by its UID, that was given up since it did not begin
        self.given_up: dict[str, int] = {}
        # the jobs of which a runner did not begin
        self.unstarted = BackOff(first=60.0, longest=600.0)
        # the jobs of which a runner could not be made
        self.refused = BackOff(first=FIRST_PAUSE, longest=LONGEST_PAUSE)

    @property
    def spoken(self) -> bool:
        """Whether there was a turn of admission."""
        return self.yields is not None

    def give(self, yields: Iterable[Yield]) -> frozenset[str]:
        """Replace what was said; answers the owners (by UID) of the sets of which something else is said now."""
        before, self.yields = self.yields or {}, {one.uid: one for one in yields}
        changed = before.items() ^ self.yields.items()
        return frozenset(one.owner_uid for _, one in changed)

    def evicted(self, reason: str) -> None:
        """A running set was told to make room."""
        self._evicted[reason] += 1

    def take_evicted(self) -> Mapping[str, int]:
        """How many were told since this was asked last."""
        counted, self._evicted = dict(self._evicted), Counter()
        return counted
