"""Runners: who holds slots now, for which job and since when, as the order of admission needs it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from adit.api.task_set import Stop
from adit_operator.observed import SeenTransfer, Yield, YieldReason
from adit_operator.slots import Cap

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Runner:
    """A TaskSet that a runner works, or may still work.

    `leaving`: it ends by itself soon, as its job must not run or its last word is said. `asked`: it is told to stop.
    """

    uid: str
    owner: SeenTransfer | None
    endpoints: tuple[str, ...]
    since: datetime = NEVER
    leaving: bool = False
    asked: bool = False

    @property
    def priority(self) -> int:
        """Its job's; nothing goes before a runner whose job is gone, since it is asked by nobody."""
        return self.owner.priority if self.owner is not None else 0


@dataclass(frozen=True, slots=True)
class Present:
    """What admission finds besides the jobs that want to run: who runs, and when each job was last served where."""

    runners: tuple[Runner, ...] = ()
    served: tuple[tuple[SeenTransfer, str, datetime], ...] = ()


def yielding(runner: Runner, reason: YieldReason, stop: Stop = "AfterTask") -> Yield:
    """The word on one runner."""
    return Yield(runner.uid, runner.owner.uid if runner.owner else "", stop, reason)


def closing(runners: Iterable[Runner], caps: Mapping[str, Cap]) -> tuple[Yield, ...]:
    """The runners at an endpoint that was paused or whose window has closed."""
    told = []
    for runner in runners:
        ends = [caps[name] for name in runner.endpoints if name in caps]
        shut = [cap for cap in ends if not cap.opening.open]
        if shut:
            hard = runner.since > NEVER and any(cap.hard_since(runner.since) for cap in shut)
            told.append(yielding(runner, "WindowClosed", "Now" if hard else "AfterTask"))
        elif any(cap.paused for cap in ends):
            told.append(yielding(runner, "ServerPaused"))
    return tuple(told)


def beyond_parallelism(runners: Iterable[Runner]) -> tuple[Runner, ...]:
    """Of each job that runs more sets than its parallelism allows, the youngest ones."""
    by_owner: dict[str, list[Runner]] = {}
    for runner in runners:
        if runner.owner is not None:
            by_owner.setdefault(runner.owner.uid, []).append(runner)
    told: list[Runner] = []
    for own in by_owner.values():
        excess = len(own) - own[0].owner.parallelism if own[0].owner is not None else 0
        told += sorted(own, key=soonest)[: max(0, excess)]
    return tuple(told)


def soonest(runner: Runner) -> tuple[bool, int, float, str]:
    """Who makes room first: who was asked already, then the least urgent, then the youngest."""
    return (not runner.asked, runner.priority, -runner.since.timestamp() if runner.since > NEVER else 0.0, runner.uid)
