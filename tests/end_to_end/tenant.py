"""A tenant: a namespace whose jobs an operator works, two PACS that pods reach, and the verbs of who works there."""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adit.testing import patients
from adit.testing.datasets import Study, ct_study
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import Patient
from adit_cli.testing import manifests
from adit_cli.testing.manifests import Listening, Manifest
from tests.cluster.access import KubectlError, Kubernetes

SECONDS = 60.0


@dataclass
class Tenant(ABC):
    """What a test acts on."""

    kubernetes: Kubernetes
    namespace: str
    source: LoopbackPacs
    destination: LoopbackPacs
    folder: Path
    published: set[int] = field(default_factory=set, init=False)

    @abstractmethod
    def log(self) -> str:
        """What the operator said."""

    # what people do ---------------------------------------------------------------------------------------------------

    def kubectl(self, *arguments: str, **more: str) -> str:
        """kubectl in the tenant's namespace, with every right."""
        return self.kubernetes.kubectl("-n", self.namespace, *arguments, **more)

    def apply(self, *objects: Manifest) -> None:
        self.kubectl("apply", "-f", "-", input=json.dumps(listed(objects)))

    def load(self, *labels: str, instances: int = 4, patient: Patient = patients.PLAIN) -> tuple[Study, ...]:
        """One small CT study for each label, at the source."""
        studies = tuple(ct_study(patient, instances=instances, rows=16, label=label) for label in labels)
        for study in studies:
            self.source.load(study.write(self.folder / "files" / study.label))
        return studies

    def server(self, name: str, peer: Listening, **spec: Any) -> Manifest:
        """A DicomServer at which pods reach a PACS of this machine."""
        address = self.publish(peer.port)
        return manifests.server(
            name, peer, dimse={"host": address, "port": peer.port, "responseTimeoutSeconds": 10}, **spec
        )

    def publish(self, port: int) -> str:
        """Let pods reach a port of this machine; the address at which they do. Skips where they cannot."""
        if self.kubernetes.node is None:
            pytest.skip("pods reach a PACS of this machine on the local cluster only: --cluster=local")
        self.published.add(port)
        return self.kubernetes.publish(port)

    def servers(self, **spec: Any) -> tuple[Manifest, Manifest]:
        """The DicomServers `source` and `destination` of the tenant's two PACS."""
        return self.server("source", self.source, **spec), self.server("destination", self.destination, **spec)

    def job(self, name: str, studies: Sequence[Study], **spec: Any) -> None:
        """Apply both servers, and a job for these studies."""
        self.apply(*self.servers(), manifests.job(name, studies, **spec))

    def patch(self, name: str, **spec: Any) -> None:
        """Change verbs of a job."""
        self.kubectl("patch", "transferjob", name, "--type=merge", "-p", json.dumps({"spec": spec}))

    # what is to be seen -----------------------------------------------------------------------------------------------

    def read(self, kind: str, name: str = "", *arguments: str) -> Any:
        return json.loads(self.kubectl("get", kind, *([name] if name else []), *arguments, "-o", "json"))

    def status(self, name: str) -> Any:
        """The status of a job; empty before the operator has seen it."""
        return self.read("transferjob", name).get("status", {})

    def condition(self, name: str, kind: str) -> Any:
        """One condition of a job; empty where it has none of this type."""
        found = (one for one in self.status(name).get("conditions", ()) if one["type"] == kind)
        return next(found, {})

    def task_sets(self, name: str) -> list[Any]:
        """The TaskSets of a job."""
        return [one for one in self.read("tasksets")["items"] if one["spec"]["owner"]["name"] == name]

    def wait_for_phase(self, name: str, phase: str, seconds: float = SECONDS) -> None:
        self._wait(name, f"jsonpath={{.status.phase}}={phase}", seconds)

    def wait_for_condition(self, name: str, kind: str, reason: str = "", seconds: float = SECONDS) -> None:
        """Wait until a condition of a job is True; with this reason, if one is named."""
        self._wait(name, f"condition={kind}", seconds)
        if reason:
            self.until(name, f"{kind} is {reason}", lambda: self.condition(name, kind).get("reason") == reason, seconds)

    def until(self, name: str, what: str, holds: Callable[[], object], seconds: float = SECONDS) -> None:
        """Wait for something about a job; AssertionError with its status and the operator's log where it stays out."""
        try:
            until(what, holds, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.told(name)}") from error

    def told(self, name: str) -> str:
        """Everything that helps to see why a job is where it is."""
        return f"{json.dumps(self.status(name), indent=1)}\n{self.log()[-4_000:]}"

    def _wait(self, name: str, what: str, seconds: float) -> None:
        """`kubectl wait`, again and again where it is longer than one kubectl may take."""
        end = time.monotonic() + seconds
        while True:
            left = max(1.0, min(SECONDS, end - time.monotonic()))
            try:
                self.kubectl("wait", f"tj/{name}", f"--for={what}", f"--timeout={left:.0f}s")
            except KubectlError as error:
                if "timed out" in str(error) and time.monotonic() < end:
                    continue
                raise AssertionError(f"{error}\n{self.told(name)}") from error
            return

    @property
    def arrived(self) -> set[str]:
        return {one.sop_instance_uid for one in self.destination.instances()}

    @property
    def expected(self) -> set[str]:
        return {one.sop_instance_uid for one in self.source.instances()}

    def holders(self) -> set[str]:
        """The UIDs of the pods that say that they work a TaskSet."""
        held = (one.get("status", {}).get("holder") for one in self.read("tasksets")["items"])
        return {str(holder["podUid"]) for holder in held if holder}

    def unpublish(self) -> None:
        """Leave no forwarded port behind."""
        for port in self.published:
            self.kubernetes.unpublish(port)


def counts(instances: int) -> dict[str, int]:
    """The instances in the status of a job that moved them all, each of them once."""
    steps = ("listed", "expected", "received", "rewritten", "stored", "verified")
    return {"excluded": 0} | dict.fromkeys(steps, instances)


def listed(objects: Iterable[Mapping[str, Any]]) -> Manifest:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def until(what: str, asked: Callable[[], object], seconds: float = SECONDS) -> None:
    """Poll: the processes and pods that are waited for signal nothing to a test."""
    end = time.monotonic() + seconds
    while not asked():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
