"""Events on a cluster: events.k8s.io/v1, posted one after the other beside the work, which never waits for them.

The name is made of what is told, so that a second telling, also by another operator, meets the first and is dropped.
"""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from adit.cluster.cluster import Conflict, Manifest
from adit.cluster.events import Happening
from adit.cluster.kinds import KINDS
from adit.cluster.kubernetes.paths import EVENT
from adit.errors import AditError

CONTROLLER = "adit.dev/operator"
# Of Kubernetes' own validation.
MAX_NOTE_BYTES, MAX_INSTANCE = 1024, 128
MAX_WAITING = 1_000
_MAX_NAME = 200

log = structlog.get_logger()


class Creates(Protocol):
    """What events need of a cluster."""

    async def create(self, manifest: Manifest) -> Manifest: ...


class KubernetesEvents:
    """Records into a bounded queue; `run` posts what is in it until it is cancelled. `lost` is called for each lost."""

    def __init__(
        self,
        cluster: Creates,
        instance: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster, self._instance, self._now, self._lost = cluster, instance, now, lost
        self._queue: asyncio.Queue[Manifest] = asyncio.Queue(MAX_WAITING)
        self._warned = False

    def record(self, happening: Happening) -> None:
        try:
            self._queue.put_nowait(event_of(happening, self._instance, self._now()))
        except asyncio.QueueFull:
            self._lose("TooMany")

    async def run(self) -> None:
        """Post for ever."""
        while True:
            event = await self._queue.get()
            try:
                await self._cluster.create(event)
            except Conflict:
                continue  # it was told before
            except AditError as error:
                self._lose(error.reason)
            else:
                self._warned = False

    def _lose(self, reason: str) -> None:
        """One line for each spell of trouble: events are for convenience, and the conditions say the same."""
        self._lost()
        if not self._warned:
            log.warning("events are not posted; the conditions of the objects say the same", reason=reason)
        self._warned = True


def event_of(happening: Happening, instance: str, now: datetime) -> Manifest:
    """The object; `now` in UTC. `eventTime` is when it is told."""
    about, kind = happening.about, KINDS[happening.about.kind]
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.name,
        "metadata": {"name": f"{about.name[:_MAX_NAME]}.{_digest(happening)}", "namespace": about.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:MAX_INSTANCE] or CONTROLLER,
        "action": happening.action,
        "reason": happening.reason,
        "type": happening.type,
        "note": within_bytes(happening.note, MAX_NOTE_BYTES),
        "regarding": {
            "apiVersion": kind.api_version,
            "kind": kind.name,
            "namespace": about.namespace,
            "name": about.name,
            "uid": happening.uid,
        },
    }


def within_bytes(text: str, most: int) -> str:
    """The text, cut where its UTF-8 has more bytes than that."""
    return text.encode()[:most].decode(errors="ignore")


def _digest(happening: Happening) -> str:
    told = f"{happening.uid}\n{happening.reason}\n{happening.since}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]
