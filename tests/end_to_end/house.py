"""One tenant's namespace with a suspended job, and people who have ever more verbs on its servers."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from tests.end_to_end.release import Person, Release, Resident

REQUESTER = "adit.dev/requested-by"
TASKS = [{"patientId": "SYN-1", "studyInstanceUid": "1.2.3", "pseudonym": "P-1"}]
PLAIN: dict[str, Any] = {"pseudonymization": {"profile": "adit-compatible"}, "tasks": TASKS, "suspend": True}
IDENTIFIED = PLAIN | {"pseudonymization": {"identified": True, "reason": "care"}}
TASK_SET: dict[str, Any] = {
    "owner": {"kind": "TransferJob", "name": "kept", "uid": "0a1b2c3d-1111-1111-1111-111111111111"},
    "round": 0,
    "index": 0,
    "work": "Transfer",
    "source": {"name": "source"},
    "destination": {"name": "destination"},
    "tasks": [{"id": "t0", "patientId": "SYN-1", "studyInstanceUid": "1.2.3"}],
}
SET, OTHER_SET = "tj-kept-0a1b2c3d-0-0", "tj-kept-0a1b2c3d-0-1"
POD: dict[str, Any] = {
    "restartPolicy": "Never",
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "image": "docker.io/adit/jobrunner:none",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}


@dataclass(frozen=True)
class House:
    """The namespace and its people."""

    tenant: Resident
    none: Person
    source: Person
    both: Person
    identified: Person
    urgent: Person
    admin: Person


def build(release: Release, folder: Path) -> House:
    """Take a namespace of the release; its servers are never asked."""
    silent = LoopbackPacs(folder / "silent")
    tenant = Resident(release.kubernetes, release.pool.pop(), silent, silent, folder, release)
    servers = [manifests.server_at(name, 10104, paused=True) for name in ("source", "destination")]
    tenant.apply(*servers, manifests.folder("archive", "archive"), job("kept"), task_set(SET), task_set(OTHER_SET))
    verbs = ("use-source", "use-destination", "transfer-identifiable", "set-urgent")
    names = ("nora", "sara", "ben", "ida", "ursula")
    none, source, both, identified, urgent = (
        tenant.person(name, servers=verbs[:count]) for count, name in enumerate(names)
    )
    return House(tenant, none, source, both, identified, urgent, admin=tenant.person("adam", role="server-admin"))


def job(name: str, spec: dict[str, Any] = PLAIN, **more: Any) -> dict[str, Any]:
    return manifests.job(name, (), **{**spec, **more})


def task_set(name: str) -> dict[str, Any]:
    return manifests.resource("TaskSet", name, TASK_SET)


def fresh() -> str:
    return f"job-{uuid.uuid4().hex[:6]}"


def create(person: Person, manifest: dict[str, Any], **annotations: str) -> None:
    if manifest["kind"] == "TransferJob":  # which a Kubernetes before 1.36 does not stamp
        marks = {REQUESTER: person.name} | annotations
        manifest = {**manifest, "metadata": {**manifest["metadata"], "annotations": marks}}
    person.kubectl("create", "-f", "-", input=json.dumps(manifest))


def patch(person: Person, what: str, name: str, body: dict[str, Any], *more: str) -> None:
    person.kubectl("patch", what, name, "--type=merge", "-p", json.dumps(body), *more)


def in_release(person: Person, *arguments: str, **more: str) -> str:
    release = person.tenant.release
    return release.kubernetes.kubectl("--as", person.name, "-n", release.namespace, *arguments, **more)
