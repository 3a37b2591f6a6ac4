"""Refusals: children that the API refuses for good, so that their job says so and does not ask again at once."""

from collections import OrderedDict
from dataclasses import dataclass

from adit_operator.observed import Waiting

# Between two attempts: the first pause, and the longest that it doubles to.
FIRST_SECONDS, MOST_SECONDS = 15.0, 300.0
MAX_REFUSED = 10_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a job says of it, when it is tried again (in monotonic seconds), and how long that pause is."""

    why: Waiting
    until: float
    pause: float


class Refusals:
    """The last refusal of each job's children, by the job's UID; one that is forgotten costs an attempt."""

    def __init__(self) -> None:
        self._by_uid: OrderedDict[str, Refusal] = OrderedDict()

    def refuse(self, uid: str, sentence: str, now: float) -> None:
        """A child was refused, with this sentence."""
        before = self._by_uid.pop(uid, None)
        pause = min(MOST_SECONDS, 2 * before.pause) if before is not None else FIRST_SECONDS
        self._by_uid[uid] = Refusal(Waiting("ChildRefused", sentence), now + pause, pause)
        while len(self._by_uid) > MAX_REFUSED:
            self._by_uid.popitem(last=False)

    def of(self, uid: str, now: float) -> Waiting | None:
        """Why nothing is made for this job now."""
        found = self._by_uid.get(uid)
        return found.why if found is not None and now < found.until else None

    def seconds_left(self, uid: str, now: float) -> float:
        """How long nothing is made for it."""
        found = self._by_uid.get(uid)
        return max(0.0, found.until - now) if found is not None else 0.0

    def forget(self, uid: str) -> None:
        """What is wanted could be made."""
        self._by_uid.pop(uid, None)
