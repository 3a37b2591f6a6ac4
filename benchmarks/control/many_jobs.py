"""Two hundred jobs at once, each with a runner: how long the operator looks at one of them, and at all of them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adit.cluster.kinds import Ref
from adit_operator.testing.desk import Desk
from benchmarks.control import orders
from benchmarks.control.many_tasks import counted, is_told, simulated, until
from benchmarks.control.null_peers import SINK
from benchmarks.control.operated import Operated, operated
from benchmarks.control.place import Place
from benchmarks.control.witness import Witness

RUNNERS = 50  # of one pair of servers
TASKS = 100  # of one job
TURNS = 20


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many jobs, whose tasks take so many seconds, watched for so many seconds; given up after `limit` seconds."""

    jobs: int
    task_seconds: float
    seconds: float
    limit: float


@dataclass
class Figures:
    """Everything that was measured; seconds, sorted where they are many."""

    crowd: Crowd
    started: float = 0.0
    running: int = 0
    reconciles: Sequence[float] = ()
    at_the_start: Sequence[float] = ()
    turns: Sequence[float] = ()
    turned: int = 0
    writes: int = 0
    operator: Operated | None = None


async def many_jobs(place: Place, crowd: Crowd, folder: Path) -> Figures:
    """Measure. Raises TimeoutError where it takes longer than its limit."""
    figures, witness = Figures(crowd), Witness(place.cluster)
    with orders.peers(folder) as (source, sink):
        async with (
            asyncio.timeout(crowd.limit),
            simulated(place, witness, folder, crowd.task_seconds, {}) as node,
        ):
            with operated(place.environment, folder) as operator:
                figures.operator = operator
                begun = time.monotonic()
                groups = range(-(-crowd.jobs // RUNNERS))
                for group in groups:
                    two = orders.servers(source, sink, runners=RUNNERS, namespace=place.namespace, group=group)
                    await orders.made(place.cluster, *two)
                last = Ref("DicomServer", place.namespace, f"{SINK}-{groups[-1]}")
                await until(lambda: is_told(place, last))  # the operator has started
                started = time.monotonic()
                for number in range(crowd.jobs):
                    await _make(place, number)
                await until(lambda: _asked(len(node.owners) == crowd.jobs))
                running, figures.running = time.monotonic(), len(node.running)
                before = counted(place)
                await asyncio.sleep(crowd.seconds)
                ended, figures.running = time.monotonic(), max(figures.running, len(node.running))
                figures.writes = sum(counted(place).values()) - sum(before.values())
            figures.started = running - started
            figures.at_the_start = operator.seconds_between(begun, running)
            figures.reconciles = operator.seconds_between(running, ended)
            figures.turned = sum(running <= when <= ended for when in operator.turns)
            figures.turns = await _turns(place)
    return figures


async def _make(place: Place, number: int) -> None:
    group, at = number // RUNNERS, place.namespace
    made = orders.job(f"job-{number}", TASKS, parallelism=1, namespace=at, group=group)
    await orders.made(place.cluster, *made)


async def _asked(answer: bool) -> bool:  # noqa: FBT001 - an answer
    return answer


async def _turns(place: Place) -> list[float]:
    """How long a turn of admission takes over all that is there, where it starts nothing; the operator has gone."""
    desk = Desk(place.cluster, place.lease)
    await desk.see_all()
    seconds = []
    for _ in range(TURNS):
        start = time.perf_counter()
        turn = await desk.admit()
        if not turn.started:  # where a slot was free, a runner was started, whose writes wait for those of the others
            seconds.append(time.perf_counter() - start)
    return sorted(seconds)
