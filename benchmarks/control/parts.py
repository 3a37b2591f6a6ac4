"""The parts that can be measured, each by its name, and how large they are."""

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.control import facts, first_image
from benchmarks.control.many_jobs import Crowd, many_jobs
from benchmarks.control.many_tasks import Order, many_tasks
from benchmarks.control.place import embedded, on_kubernetes
from tests.cluster.access import Kubernetes


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything."""

    runs: int = 7
    tasks_embedded: int = 100_000
    tasks_kubernetes: int = 10_000
    runners_embedded: int = 20
    runners_kubernetes: int = 50
    task_seconds: float = 1.0
    jobs: int = 200
    jobs_seconds: float = 60.0
    jobs_task_seconds: float = 5.0
    limit: float = 900.0


QUICK = Scale(2, 60, 60, 3, 3, 0.01, 3, 2.0, 0.5, 90.0)
# as on Kubernetes: a write of the embedded runner's own default after every task would measure this machine's disk
FLUSH = (25, 10.0)


@dataclass(frozen=True, slots=True)
class Around:
    """What a part is given; the last two where it needs a Kubernetes."""

    scale: Scale
    kubernetes: Kubernetes | None = None
    namespace: str = ""
    images: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One section of what is printed; `measure` gives its text."""

    name: str
    title: str
    measure: Callable[[Around, Path], Awaitable[str]]
    needs_kubernetes: bool = False
    needs_images: bool = False


async def _first_embedded(around: Around, _: Path) -> str:
    return facts.first_image(await first_image.embedded_runs(around.scale.runs))


async def _first_kubernetes(around: Around, folder: Path) -> str:
    assert around.kubernetes is not None
    images = dict(around.images)
    runs = first_image.kubernetes_runs(around.kubernetes, around.namespace, images, folder, around.scale.runs)
    return facts.first_image(await runs)


async def _tasks_embedded(around: Around, folder: Path) -> str:
    scale = around.scale
    order = Order(scale.tasks_embedded, scale.runners_embedded, 0.0, scale.limit, flush=FLUSH)
    async with embedded(folder) as place:
        return facts.many_tasks(await many_tasks(place, order, folder))


async def _tasks_kubernetes(around: Around, folder: Path) -> str:
    scale = around.scale
    assert around.kubernetes is not None
    order = Order(scale.tasks_kubernetes, scale.runners_kubernetes, scale.task_seconds, scale.limit, 1.0)
    async with on_kubernetes(around.kubernetes, around.namespace) as place:
        return facts.many_tasks(await many_tasks(place, order, folder))


def _crowd(scale: Scale) -> Crowd:
    return Crowd(scale.jobs, scale.jobs_task_seconds, scale.jobs_seconds, scale.limit)


async def _jobs_embedded(around: Around, folder: Path) -> str:
    async with embedded(folder) as place:
        return facts.many_jobs(await many_jobs(place, _crowd(around.scale), folder))


async def _jobs_kubernetes(around: Around, folder: Path) -> str:
    assert around.kubernetes is not None
    async with on_kubernetes(around.kubernetes, around.namespace) as place:
        return facts.many_jobs(await many_jobs(place, _crowd(around.scale), folder))


PARTS = (
    Part("first-image", "Manifest to first image stored, embedded", _first_embedded),
    Part(
        "first-image-kubernetes",
        "Manifest to first image stored, on Kubernetes",
        _first_kubernetes,
        needs_kubernetes=True,
        needs_images=True,
    ),
    Part("many-tasks-kubernetes", "{tasks_kubernetes:,} tasks on Kubernetes", _tasks_kubernetes, needs_kubernetes=True),
    Part("many-jobs", "{jobs} jobs at once, embedded", _jobs_embedded),
    Part("many-jobs-kubernetes", "{jobs} jobs at once, on Kubernetes", _jobs_kubernetes, needs_kubernetes=True),
    Part("many-tasks", "{tasks_embedded:,} tasks embedded", _tasks_embedded),
)


async def measured(part: Part, around: Around) -> str:
    """Measure one part in a folder of its own, and give its section. Raises what keeps it from being measured."""
    with tempfile.TemporaryDirectory(prefix="adit-bench-") as folder:
        return await part.measure(around, Path(folder))
