"""Walk: one decision of admission step by step. Who leaves is counted, then each waiting job is served in its turn.

A slot that is free is given. One that comes free, since its runner leaves, is promised, and so is one whose runner is
asked to make room. Who gets neither waits; the first in that line keeps the free slots of its other end while it runs
nothing, or smaller wishes behind it would take them for ever.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

from adit_operator.handover import HandOver, makes_room
from adit_operator.observed import SeenSet, SeenTransfer, Waiting, Yield, YieldReason
from adit_operator.obstacles import closed, parallelism_used, retry_due, taken
from adit_operator.room import Room
from adit_operator.runners import Present, Runner, beyond_parallelism, closing, soonest, yielding
from adit_operator.shares import Shares, age_of, contended_endpoints
from adit_operator.slots import Allocation, Cap


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that may run, its open sets in order, and the endpoints that one runner of it takes a slot on."""

    transfer: SeenTransfer
    sets: Sequence[SeenSet]
    endpoints: tuple[str, ...]


@dataclass(slots=True)
class _Wish:
    """What a job still wants in the course of the walk; promised runners count as running."""

    transfer: SeenTransfer
    need: Counter[str]
    ready: deque[SeenSet]
    running: int
    promised: bool = False


class Walk:
    """The decision as far as it has come: sets to start, runners that are told to make room, and who waits why."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        allocation: Allocation,
        caps: Mapping[str, Cap],
        now: datetime,
        present: Present,
        *,
        probe_seconds: float,
        patience: timedelta,
    ) -> None:
        self._caps, self._now, self._probe_seconds = caps, now, probe_seconds
        self._running = allocation.per_owner
        self._room = Room(caps, allocation)
        self._runners = present.runners
        self._staying = [runner for runner in present.runners if not runner.leaving]
        wishes = ((one.transfer.ref.namespace, one.endpoints, self._wanted(one)) for one in candidates)
        slots = {name: cap.slots for name, cap in caps.items()}
        contended = contended_endpoints(wishes, present.runners, slots)
        self._shares = Shares(present.runners, present.served, contended, now)
        self._hand_over = HandOver(self._staying, self._shares, now, patience)
        self._line: Counter[str] = Counter()
        self.start: list[SeenSet] = []
        self.told: list[Yield] = []
        self.waiting: dict[str, Waiting] = {}
        self.dues: list[datetime] = []

    def clear(self) -> None:
        """Count who leaves anyway, and tell those to leave who are too many or where it is closed."""
        for runner in self._runners:
            if runner.leaving:
                self._room.leave(runner.endpoints)
                self._shares.leave(runner)
        shut = {one.uid: one for one in closing(self._staying, self._caps)}
        for runner in tuple(self._staying):
            if runner.uid in shut:
                self._leave(runner, shut[runner.uid])
        for runner in beyond_parallelism(self._staying):
            self._leave(runner, yielding(runner, "ParallelismLowered"))
        for name in self._caps:
            here = sorted((one for one in self._staying if name in one.endpoints), key=soonest)
            while here and self._room.excess(name):
                self._ask(here.pop(0), "LimitLowered")

    def serve(self, candidates: Iterable[Candidate]) -> None:
        """Serve the jobs of one priority, each in its turn, until nobody gets more."""
        lines: dict[tuple[str, tuple[str, ...]], deque[_Wish]] = {}
        for one in sorted(candidates, key=lambda one: age_of(one.transfer)):
            self._shares.line_up(one.transfer, one.endpoints)
            lines.setdefault((one.transfer.ref.namespace, one.endpoints), deque()).append(self._wish(one))
        # of one namespace and the same endpoints the older always goes first, and turns only get later
        heap = [(self._turn(line[0]), number, line) for number, line in enumerate(lines.values())]
        heapify(heap)
        while heap:
            turn, number, line = heappop(heap)
            if turn == self._turn(line[0]) and not self._serve(line[0]):
                line.popleft()
            if line:
                heappush(heap, (self._turn(line[0]), number, line))

    def _turn(self, wish: _Wish) -> tuple[int, datetime, str, str]:
        return self._shares.turn_of(wish.transfer, wish.need)

    def _wanted(self, one: Candidate) -> int:
        return max(0, min(one.transfer.parallelism - self._running[one.transfer.uid], len(one.sets)))

    def _wish(self, one: Candidate) -> _Wish:
        ready: deque[SeenSet] = deque()
        wanted = self._wanted(one)
        for seen in sorted(one.sets, key=lambda seen: seen.index):
            if wanted and len(ready) == wanted:
                break  # more than its parallelism do not run, so their dues do not matter yet
            due = due_time(seen)
            if due is None or due <= self._now:
                ready.append(seen)
                continue
            self.dues.append(due)
            self.waiting.setdefault(one.transfer.uid, retry_due(due))
        return _Wish(one.transfer, Counter(one.endpoints), ready, self._running[one.transfer.uid])

    def _serve(self, wish: _Wish) -> bool:
        """Give the job one more runner, or the promise of one; False where it gets no more."""
        uid = wish.transfer.uid
        obstacle = closed(wish.need, self._caps, self._now, self._probe_seconds)
        if obstacle is not None:
            self.waiting[uid] = obstacle
            return False
        if not wish.ready:
            return False
        if wish.running >= wish.transfer.parallelism:
            self.waiting.setdefault(uid, parallelism_used(wish.transfer.parallelism))
            return False
        full = self._room.full(wish.need)
        if full and not self._promise(wish, full):
            self._wait(wish, full)
            return False
        seen = wish.ready.popleft()
        if not full:
            self.start.append(seen)
        wish.running += 1
        self._room.take(wish.need)
        self._shares.take(wish.transfer, wish.need)
        return True

    def _promise(self, wish: _Wish, full: Sequence[str]) -> bool:
        """Whether slots come free for the job, if need be since others are asked to make room."""
        shortage = self._room.shortage(wish.need)
        if shortage:
            asked = makes_room(wish.transfer, wish.need, shortage, self._hand_over)
            if not asked:
                return False
            for runner in asked:
                self._ask(runner, "Preempted")
        self._stand(wish, full, promised=True)
        return True

    def _wait(self, wish: _Wish, full: Sequence[str]) -> None:
        """The job waits for somebody's end."""
        if self._room.first_in_line(full):
            ends = full if wish.running else tuple(wish.need)
            self._room.take({name: wish.need[name] for name in ends if not self._obtainable(wish, name)})
            self._shares.take(wish.transfer, wish.need)
        self._stand(wish, full, promised=False)

    def _obtainable(self, wish: _Wish, name: str) -> bool:
        """Whether somebody would make room there once the job's other end is free: no need to keep a slot."""
        return bool(makes_room(wish.transfer, wish.need, {name: wish.need[name]}, self._hand_over))

    def _stand(self, wish: _Wish, full: Sequence[str], *, promised: bool) -> None:
        """The job stands in the line of each full endpoint, once, and says so."""
        if wish.promised:
            return
        wish.promised = promised
        name = full[0]
        before = max(self._line[name] for name in full)
        self.waiting[wish.transfer.uid] = taken(name, self._caps[name], before=before, promised=promised)
        self._line.update(full)

    def _ask(self, runner: Runner, reason: YieldReason) -> None:
        self._leave(runner, yielding(runner, reason))

    def _leave(self, runner: Runner, told: Yield) -> None:
        self.told.append(told)
        self._staying.remove(runner)
        self._room.leave(runner.endpoints)
        self._shares.leave(runner)


def due_time(seen: SeenSet) -> datetime | None:
    """When the set's earliest open task may be worked; None means now."""
    if not seen.due:
        return None
    times = [seen.due.get(name) for name in seen.open_ids]
    known = [time for time in times if time is not None]
    return min(known) if times and len(known) == len(times) else None
