"""From a manifest to the first image stored, step by step: `adit run` from its start, and `kubectl apply`."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import yaml

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.credentials import KubeConfig
from adit.testing import patients
from adit.testing.datasets import Study, ct_study
from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from benchmarks.control.timeline import EMBEDDED, STEPS, STORED, watched
from tests.cluster.access import Kubernetes
from tests.end_to_end.rights import account, documented_rights
from tests.end_to_end.tenant import listed
from tests.end_to_end.ward import RUNNER, Ward, ended

PROJECT = Path(__file__).resolve().parent.parent.parent
LIMIT = 60.0
JOB = "first"

Run = dict[str, float]
"""Seconds after the start, by step, in the order of time."""


async def embedded_runs(count: int) -> list[Run]:
    """`adit run` on a fresh data folder each time, from the start of its process; servers and job in one file."""
    runs = []
    for number in range(count):
        with tempfile.TemporaryDirectory(prefix="adit-bench-") as place:
            runs.append(await _embedded_run(Path(place), number))
    return runs


async def _embedded_run(folder: Path, number: int) -> Run:
    with (
        LoopbackPacs(folder / "source", "SOURCE") as source,
        LoopbackPacs(folder / "destination", "DESTINATION") as destination,
    ):
        study = _study(number)
        source.load(study.write(folder / "study"))
        servers = [manifests.server("source", source), manifests.server("destination", destination)]
        text = yaml.safe_dump_all([*servers, manifests.job(JOB, [study], parallelism=1)])
        (folder / "job.yaml").write_text(text, "utf-8")
        async with (
            EmbeddedCluster.open(folder / "data") as cluster,
            watched(cluster, JOB, EMBEDDED, "adit") as timeline,
            asyncio.timeout(LIMIT),
        ):
            start = time.monotonic()
            async with _program("run", str(folder / "job.yaml"), data=folder / "data"):
                await timeline.wait_for_image(destination, 0)
        return timeline.since(start)


@asynccontextmanager
async def _program(*arguments: str, data: Path) -> AsyncIterator[None]:
    """`adit` while the context is open, and to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "adit_cli", *arguments),
        env={**os.environ, "ADIT_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def kubernetes_runs(
    kubernetes: Kubernetes, namespace: str, images: dict[str, str], folder: Path, count: int
) -> list[Run]:
    """`kubectl apply` of a job, from the start of kubectl; operator and servers are there, the image is on the node.

    The operator is a process of this machine, runners are pods, and the PACS stand outside. One run more than asked for
    is made and not counted.
    """
    with (
        LoopbackPacs(folder / "source", "SOURCE") as source,
        LoopbackPacs(folder / "destination", "DESTINATION") as destination,
        ended(Ward(kubernetes, namespace, source, destination, folder, images, 0, 0)) as ward,
    ):
        ward.apply(*account(RUNNER, *documented_rights(PROJECT / "docs/operator-rights.md", "## Runner")))
        ward.apply(*ward.servers())
        ward.operator(ADIT_DATA="")
        runs = []
        for number in range(count + 1):
            study = _study(number)
            source.load(study.write(folder / f"study-{number}"))
            runs.append(await _kubernetes_run(ward, f"{JOB}{number}", study))
            await asyncio.to_thread(_wait_for_its_end, ward, f"{JOB}{number}")
        return runs[1:]


def _wait_for_its_end(ward: Ward, name: str) -> None:
    ward.until(name, "it is over", lambda: ward.status(name).get("completionTime"))


async def _kubernetes_run(ward: Ward, name: str, study: Study) -> Run:
    before = len(ward.destination.instances())
    text = yaml.safe_dump(listed([manifests.job(name, [study], parallelism=1)]))
    async with (
        KubernetesCluster.open(KubeConfig(str(ward.kubernetes.kubeconfig))) as cluster,
        watched(cluster, name, STEPS, ward.namespace) as timeline,
        asyncio.timeout(LIMIT),
    ):
        start = time.monotonic()
        applying = asyncio.create_task(asyncio.to_thread(ward.kubectl, "apply", "-f", "-", input=text))
        await timeline.wait_for_image(ward.destination, before)
        await applying
    return timeline.since(start)


def _study(number: int) -> Study:
    return ct_study(patients.PLAIN, instances=4, rows=16, label=f"first-{number}")


def steps_of(runs: Sequence[Run]) -> list[str]:
    """The steps in the order of their median, up to the image."""
    seen = [step for step in runs[0] if all(step in run for run in runs)]
    found = sorted(seen, key=lambda step: (_median([run[step] for run in runs]), step == STORED))
    return found[: found.index(STORED) + 1]


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
