"""The event shell: Kopf lists and watches our kinds on Kubernetes, and hands every object to the operator as it comes.

Nothing is decided, patched or retried here: no finalizers, timers, daemons, change-detecting handlers or annotations.
"""

import os
from collections.abc import Callable
from typing import Any, Protocol

import kopf
from kubernetes.aio.client import Configuration

from adit.api import labels
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import KINDS
from adit.cluster.kubernetes.credentials import Credentials, credentials_of
from adit.errors import BadInput
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


async def login(**_: Any) -> kopf.ConnectionInfo | None:
    """As the operator's own connection signs in; Kopf asks again when what it was given is refused."""
    credentials = credentials_of(os.environ)
    return None if credentials is None else await signed_in(credentials)


async def signed_in(credentials: Credentials) -> kopf.ConnectionInfo:
    """What the credentials lead to now: of a kubeconfig also tokens in files and what a plugin answers.

    Raises BadInput where they cannot be read.
    """
    configuration = Configuration()
    await credentials.fill(configuration)
    if configuration.tls_server_name:
        raise BadInput("the kubeconfig has a tls-server-name, which the event shell cannot use: name the server by it")
    scheme, _, token = configuration.api_key.get("BearerToken", "").rpartition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=None if configuration.verify_ssl else True,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        scheme=scheme or None,
        token=token or None,
        proxy_url=configuration.proxy,
    )
