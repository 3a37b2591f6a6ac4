"""A stage where an operator needs every right that it has, and no pod: two namespaces, and what waits in them.

A tenant's jobs stand in one namespace, the runners' Jobs in the other, where a quota lets no pod be made.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from adit_operator.render import RENDERED_TYPE
from tests.cluster.access import Kubernetes
from tests.end_to_end.rights import RUNNERS, WATCHED, Right, account, role_binding, rules_of
from tests.end_to_end.tenant import listed
from tests.end_to_end.ward import OperatorProcess

OPERATOR = "operator"
AMONG_RUNNERS = "among-runners"
TASKS = 6
MANAGED = {"app.kubernetes.io/managed-by": "adit.dev"}
ORPHAN = "orphan"
FORGOTTEN = "adit-server-0000000000000000"


@dataclass(frozen=True)
class Stage:
    """Two namespaces and the two servers that an operator will see there."""

    kubernetes: Kubernetes
    tenant: str
    runners: str
    source: LoopbackPacs
    destination: LoopbackPacs
    folder: Path

    def build(self, rights: Iterable[Right]) -> None:
        """Namespaces, an account with these rights, and everything that waits for an operator."""
        held = tuple(rights)
        watched = rules_of(one for one in held if one.where == WATCHED)
        among_runners = rules_of(one for one in held if one.where == RUNNERS)
        names = ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in self.namespaces)
        _, role, _ = account(OPERATOR, *watched)
        _, role_among_runners, _ = account(AMONG_RUNNERS, *among_runners)
        self._create(
            *names,
            *within(self.tenant, role, role_binding(OPERATOR, OPERATOR, self.runners)),
            *within(self.runners, account(OPERATOR)[0]),
            *within(self.runners, role_among_runners, role_binding(AMONG_RUNNERS, OPERATOR), no_pods()),
        )
        self._create(
            *within(self.tenant, *self._servers(), unlabelled(), *jobs()),
            *within(self.runners, orphan(self.tenant), forgotten()),
        )

    @property
    def namespaces(self) -> tuple[str, str]:
        return self.tenant, self.runners

    def clear(self) -> None:
        self.kubernetes.kubectl("delete", "namespace", *self.namespaces, "--wait=false", "--ignore-not-found")

    def operator(self) -> OperatorProcess:
        """Start the program, with a token of its account and nothing else."""
        token = self.kubernetes.kubectl("create", "token", OPERATOR, "-n", self.runners).strip()
        config = yaml.safe_load(self.kubernetes.kubeconfig.read_text())
        config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
        path = self.folder / f"{self.tenant}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "KUBECONFIG": str(path),
            "ADIT_WATCH_NAMESPACES": self.tenant,
            "ADIT_RUNNER_NAMESPACE": self.runners,
            "ADIT_RUNNER_IMAGE": "docker.io/adit/jobrunner:none",
            "ADIT_HEALTH_PORT": "0",
            "ADIT_METRICS_PORT": "0",
            "ADIT_PROBE_SECONDS": "1",
        }
        return OperatorProcess(environment, self.folder / f"{self.tenant}.log")

    def _create(self, *objects: dict[str, Any]) -> None:
        self.kubernetes.kubectl("create", "-f", "-", input=json.dumps(listed(objects)))

    def _servers(self) -> tuple[dict[str, Any], ...]:
        limits = {"maxAssociations": TASKS + 4, "reservedInteractive": 1}
        authorization = {"secretRef": {"name": "unlabelled", "key": "header"}}
        guarded = manifests.web_server("guarded", "http://127.0.0.1:1/", authorization=authorization)
        peers = (("source", self.source), ("destination", self.destination))
        return (*(manifests.server(name, peer, limits=limits) for name, peer in peers), guarded)


def within(namespace: str, *objects: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The same objects, in a namespace."""
    return tuple({**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in objects)


def jobs() -> tuple[dict[str, Any], ...]:
    """One that pseudonymizes, one whose first Job's name is taken, one whose credential is not labelled."""
    many = [{"patientId": "SYN-1", "studyInstanceUid": f"1.2.{n}", "pseudonym": "P-1"} for n in range(1, TASKS + 1)]
    single = [{"patientId": "SYN-1", "studyInstanceUid": "1.3.1"}]
    profile = {"profile": "adit-compatible"}
    return (
        manifests.job("night", (), tasks=many, pseudonymization=profile, parallelism=TASKS),
        manifests.job("taken", (), tasks=single, priority=200),
        manifests.job("locked", (), tasks=single, source="guarded"),
    )


def no_pods() -> dict[str, Any]:
    spec = {"hard": {"pods": "0"}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods"}, "spec": spec}


def batch_job(name: str, **labels: str) -> dict[str, Any]:
    """A Job that starts nothing."""
    container = {"name": "main", "image": "docker.io/adit/jobrunner:none"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }


def orphan(tenant: str) -> dict[str, Any]:
    """A Job whose TransferJob and TaskSet are gone."""
    marks = {"task-set": "tj-gone-0a1b2c3d-0-0", "task-set-uid": "gone", "owner-uid": "gone", "owner-namespace": tenant}
    return batch_job(ORPHAN, **MANAGED, **{f"adit.dev/{name}": value for name, value in marks.items()})


def forgotten() -> dict[str, Any]:
    """A rendered Secret that nobody mounts any more."""
    metadata = {"name": FORGOTTEN, "labels": MANAGED}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": RENDERED_TYPE, "immutable": True}


def unlabelled() -> dict[str, Any]:
    """A credential that the operator may not take for one."""
    data = {"header": base64.b64encode(b"Basic secret").decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "unlabelled"}, "data": data}
