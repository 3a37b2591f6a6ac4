"""The chart without a running operator, and a person in a namespace of their own: what the policies say to both."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.cluster.access import KubectlError, Kubernetes

PERSON = "tina"
SECONDS = 20.0


@dataclass(frozen=True)
class Tenancy:
    """A release with nothing running, and a namespace of a person who may ask for transfers there."""

    kubernetes: Kubernetes
    release: str
    tenant: str

    def as_person(self, *arguments: str, **input_: str) -> str:
        return self.kubernetes.kubectl("-n", self.tenant, "--as", PERSON, *arguments, **input_)

    def as_runner(self, pod: str, *arguments: str, **input_: str) -> str:
        who = ["--as", f"system:serviceaccount:{self.release}:adit-runner"]
        extra = ["--as-user-extra", f"authentication.kubernetes.io/pod-name={pod}"]
        return self.kubernetes.kubectl("-n", self.tenant, *who, *extra, *arguments, **input_)

    def allow(self, who: str, resource: str, *verbs: str) -> None:
        """A role with these verbs for a user, in force once the API server has seen it."""
        name = f"may-{uuid.uuid4().hex[:6]}"
        make = ("-n", self.tenant, "create")
        self.kubernetes.kubectl(*make, "role", name, f"--verb={','.join(verbs)}", f"--resource={resource}")
        self.kubernetes.kubectl(*make, "rolebinding", name, f"--role={name}", f"--user={who}")
        plain = resource.partition("/")[0]
        part = [f"--subresource={resource.partition('/')[2]}"] if "/" in resource else []
        ask = ("-n", self.tenant, "--as", who, "auth", "can-i", verbs[-1], plain, *part)
        until(lambda: self.kubernetes.kubectl(*ask).startswith("yes"))


def until(holds: Any) -> None:
    """Wait for what holds; KubectlErrors are a no."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            if holds():
                return
        except KubectlError:
            pass
        time.sleep(0.1)
    pytest.fail("it did not come about in time")


def server(name: str) -> dict[str, Any]:
    spec = {"aeTitle": name.upper(), "dimse": {"host": "127.0.0.1", "port": 10104}}
    return {"apiVersion": "adit.dev/v1alpha1", "kind": "DicomServer", "metadata": {"name": name}, "spec": spec}


def job(name: str = "night", *, annotations: dict[str, str] | None = None, **spec: Any) -> str:
    whole = {
        "source": {"name": "source"},
        "destination": {"name": "destination"},
        "pseudonymization": {"profile": "adit-compatible"},
        "tasks": [{"patientId": "SYN-1", "studyInstanceUid": "1.2.3", "pseudonym": "P-1"}],
    }
    metadata = {"name": name, "annotations": annotations or {}}
    return yaml.safe_dump(
        {"apiVersion": "adit.dev/v1alpha1", "kind": "TransferJob", "metadata": metadata, "spec": whole | spec}
    )


def refused(words: str, act: Callable[[], object]) -> bool:
    """Whether the act meets a refusal with these words; policies come into force a moment after they are made."""
    try:
        act()
    except KubectlError as error:
        return words in str(error)
    return False
