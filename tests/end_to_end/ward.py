"""A tenant's namespace on a real Kubernetes: two loopback PACS that pods reach, a runner's account, and the program."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from adit.testing.datasets import Study
from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from tests.cluster.access import Kubernetes

RUNNER = "runner"
SECONDS = 60.0


class OperatorProcess:
    """`python -m adit_operator` on this machine, with its log."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "adit_operator"], env=environment, stdout=out, stderr=subprocess.STDOUT
            )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self, seconds: float = 20.0) -> int:
        """Ask it to end, and wait; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(seconds)

    @property
    def runs(self) -> bool:
        return self._process.poll() is None


@dataclass
class Ward:
    """What a test acts on."""

    kubernetes: Kubernetes
    namespace: str
    source: LoopbackPacs
    destination: LoopbackPacs
    images: dict[str, str]
    folder: Path
    health_port: int
    metrics_port: int
    started: list[OperatorProcess] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the program is given."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.kubernetes.kubeconfig),
            "ADIT_WATCH_NAMESPACES": self.namespace,
            "ADIT_RUNNER_NAMESPACE": self.namespace,
            "ADIT_RUNNER_IMAGE": self.images["jobrunner"],
            "ADIT_RUNNER_SERVICE_ACCOUNT": RUNNER,
            "ADIT_HEALTH_PORT": str(self.health_port),
            "ADIT_METRICS_PORT": str(self.metrics_port),
        }

    def operator(self, **more: str) -> OperatorProcess:
        """Start the program; ended by the fixture at the latest."""
        process = OperatorProcess({**self.environment, **more}, self.folder / "operator.log")
        self.started.append(process)
        return process

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubernetes.kubectl("apply", "-n", self.namespace, "-f", "-", input=json.dumps(listed(objects)))

    def job(self, name: str, studies: Sequence[Study], **spec: Any) -> None:
        """Both servers as pods reach them, and a job for these studies."""
        address = self.kubernetes.publish(self.source.port)
        self.kubernetes.publish(self.destination.port)
        servers = [
            manifests.server(name, peer, dimse={"host": address, "port": peer.port, "responseTimeoutSeconds": 10})
            for name, peer in (("source", self.source), ("destination", self.destination))
        ]
        self.apply(*servers, manifests.job(name, studies, **spec))

    def read(self, kind: str, name: str = "") -> Any:
        words = ("get", kind, *([name] if name else []), "-n", self.namespace, "-o", "json")
        return json.loads(self.kubernetes.kubectl(*words))

    def log(self) -> str:
        """What the program said, as a process or as a pod."""
        if self.started:
            return self.started[-1].log.read_text()
        return self.kubernetes.kubectl("logs", "-n", self.namespace, "operator")

    def holders(self) -> set[str]:
        """The UIDs of the pods that say that they work a TaskSet."""
        held = (one.get("status", {}).get("holder") for one in self.read("tasksets")["items"])
        return {str(holder["podUid"]) for holder in held if holder}

    def wait_for_phase(self, name: str, phase: str) -> None:
        try:
            where = f"--for=jsonpath={{.status.phase}}={phase}"
            self.kubernetes.kubectl("wait", "-n", self.namespace, f"tj/{name}", where, f"--timeout={SECONDS:.0f}s")
        except Exception as error:
            status = json.dumps(self.read("transferjob", name).get("status"), indent=1)
            log = self.log()[-4_000:]
            raise AssertionError(f"{status}\n{log}") from error

    @property
    def arrived(self) -> set[str]:
        return {one.sop_instance_uid for one in self.destination.instances()}

    @property
    def expected(self) -> set[str]:
        return {one.sop_instance_uid for one in self.source.instances()}

    def healthz(self) -> int:
        return status_of(f"http://127.0.0.1:{self.health_port}/healthz")

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())


def listed(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def status_of(url: str) -> int:
    """The HTTP status; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (URLError, ConnectionError):
        return 0


def until(what: str, asked: Any, seconds: float = SECONDS) -> None:
    """Poll: the processes and pods that are waited for signal nothing to a test."""
    end = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def operator_pod(ward: Ward) -> dict[str, Any]:
    """The program as a pod of a restricted namespace."""
    environment = {name: value for name, value in ward.environment.items() if name.startswith("ADIT_")}
    container = {
        "name": "operator",
        "image": ward.images["operator"],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": ward.health_port}, "periodSeconds": 5},
    }
    spec = {
        "serviceAccountName": "operator",
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator"}, "spec": spec}


@contextmanager
def ended(ward: Ward) -> Iterator[Ward]:
    """Leave nothing behind: no process, no forwarded port."""
    try:
        yield ward
    finally:
        for process in ward.started:
            if process.runs:
                process.kill()
        for peer in (ward.source, ward.destination):
            ward.kubernetes.unpublish(peer.port)
