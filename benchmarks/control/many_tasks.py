"""One job of very many tasks from its manifest to its end: planned, then worked by simulated runners, and looked at."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adit.cluster.cluster import Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit_operator.names import task_set_name
from benchmarks.control import orders
from benchmarks.control.api_writes import Writes, between, writes_in
from benchmarks.control.null_peers import SINK, failures, null_opener
from benchmarks.control.operated import Operated, operated
from benchmarks.control.place import Place
from benchmarks.control.simulated_node import SimulatedNode
from benchmarks.control.witness import History, Witness, history_of

TERMINAL = {"Success", "Warning", "Failure", "Canceled"}
NAME = "many"


@dataclass(frozen=True, slots=True)
class Order:
    """So many tasks for so many runners, each task taking so many seconds; `limit` seconds to plan, as many to work.

    `flush` is after how many tasks and how many seconds a runner writes its status; its own default where absent.
    """

    tasks: int
    runners: int
    task_seconds: float
    limit: float
    sample_seconds: float = 0.5
    flush: tuple[int, float] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """What the runners are told of it."""
        if self.flush is None:
            return {}
        return {"ADIT_FLUSH_TASKS": str(self.flush[0]), "ADIT_FLUSH_SECONDS": str(self.flush[1])}


@dataclass(frozen=True, slots=True)
class Sample:
    """The job as it was told at a monotonic second."""

    when: float
    version: int
    status: Manifest


@dataclass
class Figures:
    """Everything that was measured; seconds, bytes, counts."""

    order: Order
    sets: int = 0
    planned: float = 0.0
    made: float = 0.0
    made_at: float = 0.0
    ended_at: float = 0.0
    phase: str = ""
    most_runners: int = 0
    samples: Sequence[Sample] = ()
    inexact: Sequence[str] = ()
    oldest: float = 0.0
    writes: Counter[tuple[str, str]] = field(default_factory=Counter)
    runner_writes: Counter[tuple[str, str]] = field(default_factory=Counter)
    operator: Operated | None = None
    file_bytes: int = 0

    @property
    def done(self) -> int:
        """How many tasks were finished; fewer than there are where the time was over."""
        return self.order.tasks - int(self.samples[-1].status["tasks"]["pending"])

    @property
    def ran(self) -> float:
        """Seconds from the first runner to the end of the job."""
        return self.ended_at - self.made_at


async def many_tasks(place: Place, order: Order, folder: Path) -> Figures:
    """Measure. Raises TimeoutError where the planning takes longer than its limit."""
    figures = Figures(order)
    with (
        orders.peers(folder) as (source, sink),
        operated(place.environment, folder) as operator,
    ):
        figures.operator = operator
        at = place.namespace
        await orders.made(place.cluster, *orders.servers(source, sink, runners=order.runners, namespace=at))
        async with asyncio.timeout(order.limit):
            await until(lambda: is_told(place, Ref("DicomServer", at, f"{SINK}-0")))  # the operator has started
            await _plan(place, order, figures, operator)
        await _run(place, order, figures, folder, operator)
        figures.file_bytes = place.file_bytes()
    return figures


async def _plan(place: Place, order: Order, figures: Figures, operator: Operated) -> None:
    """From the manifest to the last TaskSet; nothing runs yet."""
    *secrets, job = orders.job(NAME, order.tasks, parallelism=order.runners, namespace=place.namespace)
    await orders.made(place.cluster, *secrets)
    start = time.monotonic()
    uid = (await orders.made(place.cluster, job))["metadata"]["uid"]
    plan = await until(lambda: _plan_of(place))
    figures.planned, figures.sets = time.monotonic() - start, plan["sets"]
    last = task_set_name(NAME, uid, round_=0, index=plan["sets"] - 1)
    await until(lambda: _there(place, Ref("TaskSet", place.namespace, last)))
    figures.made = time.monotonic() - start
    operator.look()


async def _run(place: Place, order: Order, figures: Figures, folder: Path, operator: Operated) -> None:
    """From the first runner to the end of the job, or of the time that it has."""
    witness = Witness(place.cluster)
    samples: list[Sample] = []
    async with simulated(place, witness, folder, order.task_seconds, order.variables) as node:
        before, figures.made_at = counted(place), time.monotonic()
        deadline = figures.made_at + order.limit
        while not samples or (samples[-1].status.get("phase") not in TERMINAL and time.monotonic() < deadline):
            await asyncio.sleep(order.sample_seconds)
            job = await orders.job_of(place.cluster, NAME, place.namespace)
            samples.append(Sample(time.monotonic(), int(job["metadata"]["resourceVersion"]), job.get("status", {})))
            operator.look()
        figures.ended_at = time.monotonic()
        figures.writes = between(before, counted(place))
        figures.most_runners = node.most
    figures.runner_writes, figures.samples = witness.writes, samples
    figures.phase = samples[-1].status["phase"]
    history, ordered = history_of(witness.task_sets), place.kubernetes is None
    figures.inexact, figures.oldest = judged(samples, history, order.tasks, ordered=ordered)


@asynccontextmanager
async def simulated(
    place: Place, witness: Witness, folder: Path, task_seconds: float, variables: Mapping[str, str]
) -> AsyncIterator[SimulatedNode]:
    """The simulated node while the context is open; an error of it is raised at the end."""
    opener, at = null_opener(task_seconds), place.runner_namespace
    node = SimulatedNode(witness, place.lease, folder / "pods", opener, at, place.data, variables)
    running = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        node.end()
        await running


def counted(place: Place) -> Writes:
    """What the API server was asked to write so far; nothing where there is none."""
    return writes_in(place.kubernetes.kubectl("get", "--raw", "/metrics")) if place.kubernetes else {}


def judged(samples: Sequence[Sample], history: History, tasks: int, *, ordered: bool) -> tuple[list[str], float]:
    """What was told that never was true, and how old the truth was at most, in seconds.

    Where events come `ordered`, all numbers of a status must have been true at one moment. Kopf has a worker for each
    object, so that a TaskSet's event may overtake another's: then none may be more than was true.
    """
    wrong, oldest = [], 0.0
    for one in samples:
        told = one.status.get("tasks")
        if not told:
            continue
        letters = told["succeeded"], told["warned"], told["failed"]
        age = history.age(letters, one.version, one.when)
        if told["total"] != tasks or sum(letters) + told["pending"] + told["canceled"] != tasks:
            wrong.append(f"{told} does not add up to {tasks}")
        elif age is None or (ordered and not history.was(letters, one.version)):
            wrong.append(f"{told} was never true")
        oldest = max(oldest, age or 0.0)
    last, over = samples[-1].status["tasks"], samples[-1].status.get("phase") in TERMINAL
    if over and (last["succeeded"], last["failed"]) != (tasks - failures(tasks), failures(tasks)):
        wrong.append(f"in the end {last}")
    return wrong, oldest


async def _plan_of(place: Place) -> Any:
    return ((await orders.job_of(place.cluster, NAME, place.namespace)).get("status") or {}).get("plan")


async def is_told(place: Place, ref: Ref) -> bool:
    return bool((await place.cluster.get(ref)).get("status"))


async def _there(place: Place, ref: Ref) -> bool:
    with suppress(ObjectNotFound):
        return bool(await place.cluster.get(ref))
    return False


async def until(asked: Callable[[], Awaitable[Any]]) -> Any:
    """Poll: a watch would read every TaskSet, and so be measured as well."""
    while not (answer := await asked()):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.05)
    return answer
