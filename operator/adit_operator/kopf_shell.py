"""The event shell: Kopf lists and watches our kinds on Kubernetes, and hands every object to the operator as it comes.

Nothing is decided, patched or retried here: no finalizers, timers, daemons, change-detecting handlers or annotations.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import kopf

from adit.api import labels
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import KINDS
from adit.cluster.kubernetes.credentials import (
    KUBECONFIG_ENV,
    SERVICE_ACCOUNT_FOLDER,
    SERVICE_HOST_ENV,
    SERVICE_PORT_ENV,
)
from adit_operator.settings import OperatorSettings
from adit_operator.watches import WATCHED

STALE_SECONDS = 180.0
EXIT_SECONDS = 20.0
PREFIX = "kopf.adit.dev"


class Taker(Protocol):
    """What the shell needs of the operator."""

    @property
    def seconds_since_resync(self) -> float: ...

    def take(self, manifest: Manifest, *, deleted: bool) -> None: ...


async def run_shell(
    operator: Taker, settings: OperatorSettings, health_port: int, ending: Callable[[], object]
) -> None:
    """Feed the operator until SIGTERM or SIGINT, and call `ending` then. Raises what ended a watch for good."""
    watched = settings.watch_namespaces
    namespaces = sorted({*watched, settings.runner_namespace}) if watched else []
    await kopf.operator(
        registry=registry_for(operator, ending),
        settings=shell_settings(),
        clusterwide=not namespaces,
        namespaces=namespaces,
        liveness_endpoint=f"http://0.0.0.0:{health_port}/healthz" if health_port else None,
    )


def registry_for(operator: Taker, ending: Callable[[], object]) -> kopf.OperatorRegistry:
    """One event handler for each kind, the login, the probe, and the end."""
    registry = kopf.OperatorRegistry()

    async def happened(event: kopf.RawEvent, **_: Any) -> None:
        operator.take(dict(event["object"]), deleted=event["type"] == "DELETED")

    async def resynced(**_: Any) -> float:
        return fresh(operator)

    async def ends(**_: Any) -> None:
        ending()  # Kopf waits for every task of the loop before it lets go

    for name in sorted({watched.kind for watched in WATCHED}):
        kind = KINDS[name]
        kopf.on.event(kind.group, kind.version, kind.plural, id="happened", registry=registry)(happened)
    kopf.on.login(id="login", registry=registry)(login)
    kopf.on.probe(id="secondsSinceResync", registry=registry)(resynced)
    kopf.on.cleanup(id="ends", registry=registry)(ends)
    return registry


def fresh(operator: Taker) -> float:
    """The age of the last resync in seconds. Where it is old, the error that Kopf answers with 500."""
    seconds = operator.seconds_since_resync
    if seconds > STALE_SECONDS:
        raise kopf.PermanentError(f"the last resync was {seconds:.0f} s ago")
    return round(seconds, 1)


def shell_settings() -> kopf.OperatorSettings:
    """Static resources, no peering, no events of its own, and only what carries our labels where we share a kind."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.finalizer = f"{PREFIX}/operator"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=PREFIX)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=PREFIX, key="last")
    settings.watching.server_timeout = 300
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 100  # a TaskSet has up to 30 KB
    selectors = settings.watching.label_selectors
    selectors["batch", "v1", "jobs"] = f"{labels.MANAGED_BY}={labels.MANAGED_BY_ADIT}"
    selectors["", "v1", "secrets"] = f"{labels.PURPOSE} in (credential, key)"
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.queueing.worker_limit = 50
    settings.process.ultimate_exiting_timeout = EXIT_SECONDS
    return settings


async def login(*, settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo | None:
    """KUBECONFIG, else the pod's service account, by the address that the kubelet gives, so that no DNS is needed."""
    if os.environ.get(KUBECONFIG_ENV):
        return kopf.login_with_kubeconfig(settings=settings)
    host, port = os.environ.get(SERVICE_HOST_ENV), os.environ.get(SERVICE_PORT_ENV) or "443"
    if not host:
        return None
    return service_account(host, port, SERVICE_ACCOUNT_FOLDER)


def service_account(host: str, port: str, folder: Path) -> kopf.ConnectionInfo:
    """The pod's account; Kopf asks again when its token is refused."""
    name = f"[{host}]" if ":" in host else host
    token = (folder / "token").read_text("utf-8").strip()
    return kopf.ConnectionInfo(server=f"https://{name}:{port}", ca_path=str(folder / "ca.crt"), token=token)
