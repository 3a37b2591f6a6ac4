"""What is asked for: two servers that answer, and jobs of many tiny studies, inline where they fit, else in Secrets."""

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adit.api import labels
from adit.api.model import API_VERSION
from adit.api.task_lines import MAX_TASKS_PER_SECRET
from adit.api.tasks import MAX_INLINE_TASKS
from adit.api.written_list import PURPOSE_TASKS
from adit.cluster.cluster import Cluster, Manifest
from adit.cluster.kinds import Ref
from adit.testing.pacs import LoopbackPacs
from benchmarks.control.null_peers import SINK, SOURCE, tasks

KEY = "tasks.jsonl.gz"


def servers(
    source: LoopbackPacs, sink: LoopbackPacs, *, runners: int, namespace: str, group: int = 0
) -> tuple[Manifest, Manifest]:
    """The DicomServers of a group, with so many slots for runners; the sink's answers are all the proof there is.

    Groups differ in the AE titles by which the two are called, so that each has slots of its own.
    """
    return (
        _server(f"{SOURCE}-{group}", source, runners, namespace),
        _server(f"{SINK}-{group}", sink, runners, namespace, verification={"method": "StoreResponses"}),
    )


def _server(name: str, peer: LoopbackPacs, runners: int, namespace: str, **spec: object) -> Manifest:
    dimse = {"host": peer.host, "port": peer.port}
    limits = {"maxAssociations": runners + 1, "reservedInteractive": 1}
    return _object("DicomServer", name, namespace, {"aeTitle": name.upper(), "dimse": dimse, "limits": limits, **spec})


def job(
    name: str, count: int, *, parallelism: int, namespace: str, group: int = 0, **spec: object
) -> Iterator[Manifest]:
    """A TransferJob of so many tasks, and before it the Secrets that hold them where they are too many for it."""
    lines = [task.manifest() for task in tasks(count)]
    inline = count <= MAX_INLINE_TASKS
    parts = [] if inline else [lines[at : at + MAX_TASKS_PER_SECRET] for at in range(0, count, MAX_TASKS_PER_SECRET)]
    for number, part in enumerate(parts):
        yield _secret(f"{name}-tasks-{number}", part, namespace)
    named = [{"secretRef": {"name": f"{name}-tasks-{number}", "key": KEY}} for number in range(len(parts))]
    yield _object(
        "TransferJob",
        name,
        namespace,
        {
            "source": {"name": f"{SOURCE}-{group}"},
            "destination": {"name": f"{SINK}-{group}"},
            "pseudonymization": {"identified": True, "reason": "synthetic data of a benchmark"},
            "parallelism": parallelism,
            **({"tasks": lines} if inline else {"tasksFrom": named}),
            **spec,
        },
    )


async def made(cluster: Cluster, *objects: Manifest) -> Manifest:
    """Create all of them, and give the last as it was made."""
    answer: Manifest = {}
    for one in objects:
        answer = await cluster.create(one)
    return answer


async def job_of(cluster: Cluster, name: str, namespace: str) -> Manifest:
    """The job as it is now."""
    return await cluster.get(Ref("TransferJob", namespace, name))


def _secret(name: str, lines: list[Manifest], namespace: str) -> Manifest:
    text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {labels.PURPOSE: PURPOSE_TASKS}},
        "data": {KEY: packed},
    }


def _object(kind: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


@contextmanager
def peers(folder: Path) -> Iterator[tuple[LoopbackPacs, LoopbackPacs]]:
    """Source and sink, which answer the operator's probes by whatever name they are called."""
    with (
        LoopbackPacs(folder / SOURCE, SOURCE.upper(), require_called_aet=False) as source,
        LoopbackPacs(folder / SINK, SINK.upper(), require_called_aet=False) as sink,
    ):
        yield source, sink
