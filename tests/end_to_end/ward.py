"""A tenant whose operator is a process, in the network of pods, where a test can start it, kill it and read its log."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import yaml

from tests.end_to_end.tenant import Tenant

RUNNER = "runner"
API_SERVER = "https://127.0.0.1:6443"


class OperatorProcess:
    """`python -m adit_operator` on this machine, with its log; `entering` is what brings it into another network."""

    def __init__(self, environment: dict[str, str], log: Path, entering: Sequence[str] = ()) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [*entering, sys.executable, "-m", "adit_operator"],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
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
class Ward(Tenant):
    """What a test acts on."""

    images: dict[str, str]
    health_port: int
    metrics_port: int
    started: list[OperatorProcess] = field(default_factory=list, init=False)

    @property
    def environment(self) -> dict[str, str]:
        """What the program is given."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self._kubeconfig()),
            "ADIT_WATCH_NAMESPACES": self.namespace,
            "ADIT_RUNNER_NAMESPACE": self.namespace,
            "ADIT_RUNNER_IMAGE": self.images["jobrunner"],
            "ADIT_RUNNER_SERVICE_ACCOUNT": RUNNER,
            "ADIT_HEALTH_PORT": str(self.health_port),
            "ADIT_METRICS_PORT": str(self.metrics_port),
        }

    def _kubeconfig(self) -> Path:
        """The cluster's, as it is reached from where pods are."""
        config = yaml.safe_load(self.kubernetes.kubeconfig.read_text())
        config["clusters"][0]["cluster"]["server"] = API_SERVER
        path = self.folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def operator(self, **more: str) -> OperatorProcess:
        """Start the program; ended by the fixture at the latest."""
        log, entering = self.folder / "operator.log", self.kubernetes.entering()
        process = OperatorProcess({**self.environment, **more}, log, entering)
        self.started.append(process)
        return process

    def log(self) -> str:
        """What the program said, as a process or as a pod."""
        if self.started:
            return self.started[-1].log.read_text()
        return self.kubectl("logs", "operator")

    def healthz(self) -> int:
        return self.kubernetes.in_network(lambda: status_of(f"http://127.0.0.1:{self.health_port}/healthz"))

    def metrics(self) -> str:
        return self.kubernetes.in_network(lambda: text_of(f"http://127.0.0.1:{self.metrics_port}/metrics"))


def text_of(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def status_of(url: str) -> int:
    """The HTTP status; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (URLError, ConnectionError):
        return 0


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
        ward.unpublish()
