"""Shares: whose turn it is among namespaces of one priority, by what each holds and when it was served. Pure.

A job's turn: the fewer runners its namespace has at the endpoints that are contended, then the longer ago it was
served at its endpoints, then its age. Of its own namespace only what is not younger counts: a younger job must not
spoil the turn of an older one, or that one might wait for ever for two servers at once.
"""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from adit_operator.observed import SeenTransfer
from adit_operator.runners import NEVER, Runner

Age = tuple[str, str]
Place = tuple[str, int, str]
Turn = tuple[int, datetime, str, str]


class Shares:
    """What namespaces hold in the course of one decision; a start or a promise counts at once."""

    def __init__(
        self,
        runners: Iterable[Runner],
        served: Iterable[tuple[SeenTransfer, str, datetime]],
        contended: frozenset[str],
        now: datetime,
    ) -> None:
        self._contended, self._now = contended, now
        self._held: dict[Place, list[Age]] = {}
        self._left: dict[Place, list[Age]] = {}
        self._served: dict[Place, dict[Age, datetime]] = {}
        self._newest: dict[Place, tuple[Sequence[Age], Sequence[datetime]]] = {}
        for runner in runners:
            if runner.owner is not None:
                self._hold(self._held, runner.owner, runner.endpoints)
                for name in runner.endpoints:
                    self._serve(runner.owner, name, runner.since)
        for owner, name, when in served:
            self._serve(owner, name, when)

    def line_up(self, transfer: SeenTransfer, endpoints: Iterable[str]) -> None:
        """A job wants a turn, called for the older one first: a younger one of its namespace was served no earlier."""
        served = self.turn_of(transfer, endpoints)[1]
        for name in set(endpoints):
            self._serve(transfer, name, served)

    def turn_of(self, transfer: SeenTransfer, endpoints: Iterable[str]) -> Turn:
        """The smaller, the sooner."""
        age, load, served = age_of(transfer), 0, NEVER
        for name in set(endpoints):
            place = place_of(transfer, name)
            served = max(served, self._served_up_to(place, age))
            if name in self._contended:
                load = max(load, _up_to(self._held, place, age))
        return (load, served, *age)

    def turn_without(self, runner: Runner) -> Turn:
        """The turn of a runner's job when this runner and those who were asked before it have gone."""
        assert runner.owner is not None
        places = [place_of(runner.owner, name) for name in set(runner.endpoints) & self._contended]
        age = age_of(runner.owner)
        loads = (_up_to(self._held, place, age) - _up_to(self._left, place, age) - 1 for place in places)
        return (max(loads, default=0), self._now, *age)

    def lead(self, runner: Runner, transfer: SeenTransfer, name: str) -> int:
        """How many more runners at an endpoint the runner's namespace has than the transfer's."""
        assert runner.owner is not None
        return self._total(place_of(runner.owner, name)) - self._total(place_of(transfer, name))

    def take(self, transfer: SeenTransfer, endpoints: Iterable[str]) -> None:
        """The job gets a runner, or the promise of one."""
        self._hold(self._held, transfer, endpoints)
        for name in set(endpoints):
            self._serve(transfer, name, self._now)

    def leave(self, runner: Runner) -> None:
        """The runner will go."""
        if runner.owner is not None:
            self._hold(self._left, runner.owner, runner.endpoints)

    def _hold(self, table: dict[Place, list[Age]], transfer: SeenTransfer, endpoints: Iterable[str]) -> None:
        for name in set(endpoints):
            insort(table.setdefault(place_of(transfer, name), []), age_of(transfer))

    def _serve(self, transfer: SeenTransfer, name: str, when: datetime) -> None:
        place, age = place_of(transfer, name), age_of(transfer)
        served = self._served.setdefault(place, {})
        if when > served.get(age, NEVER):
            served[age] = when
            self._newest.pop(place, None)

    def _served_up_to(self, place: Place, age: Age) -> datetime:
        if place not in self._newest:
            ages, times, newest = sorted(self._served.get(place, {})), [], NEVER
            for one in ages:
                newest = max(newest, self._served[place][one])
                times.append(newest)
            self._newest[place] = (ages, times)
        known, moments = self._newest[place]
        count = bisect_right(known, age)
        return moments[count - 1] if count else NEVER

    def _total(self, place: Place) -> int:
        return len(self._held.get(place, ())) - len(self._left.get(place, ()))


def contended_endpoints(
    wishes: Iterable[tuple[str, Iterable[str], int]], runners: Iterable[Runner], slots: Mapping[str, int]
) -> frozenset[str]:
    """Where at least two namespaces hold or want more than there is.

    A wish: namespace, the endpoints of one runner, how many runners.
    """
    amounts: Counter[str] = Counter()
    namespaces: dict[str, set[str]] = {}
    for namespace, endpoints, count in wishes:
        for name in endpoints:
            amounts[name] += count
            namespaces.setdefault(name, set()).add(namespace)
    for runner in runners:
        for name in runner.endpoints:
            amounts[name] += 1
            namespaces.setdefault(name, set()).add(runner.owner.ref.namespace if runner.owner else "")
    return frozenset(name for name, who in namespaces.items() if len(who) > 1 and amounts[name] > slots.get(name, 0))


def age_of(transfer: SeenTransfer) -> Age:
    """Jobs of one namespace in the order of their making."""
    return (transfer.created, transfer.uid)


def place_of(transfer: SeenTransfer, name: str) -> Place:
    """Where the transfer's namespace competes."""
    return (transfer.ref.namespace, transfer.priority, name)


def _up_to(table: Mapping[Place, list[Age]], place: Place, age: Age) -> int:
    return bisect_right(table.get(place, ()), age)
