"""Pods for the tests of the local cluster: one container that meets the PodSecurity level `restricted`."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.access import Kubernetes


def pod(
    name: str, image: str, command: Sequence[str], *, volumes: Sequence[Mapping[str, Any]] = (), at: str = "/data"
) -> dict[str, Any]:
    """A pod that runs a command once; its volumes are mounted at `at`."""
    container = {
        "name": "main",
        "image": image,
        "command": list(command),
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": volume["name"], "mountPath": at} for volume in volumes],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": list(volumes),
        },
    }


def apply(kubernetes: Kubernetes, namespace: str, *manifests: Mapping[str, Any]) -> None:
    for manifest in manifests:
        kubernetes.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(manifest))


def run(kubernetes: Kubernetes, namespace: str, manifest: Mapping[str, Any], *, within: float = 60.0) -> str:
    """What a pod printed, once it has ended well; AssertionError with the same when it has not."""
    apply(kubernetes, namespace, manifest)
    name, deadline = manifest["metadata"]["name"], time.monotonic() + within
    phase = ""
    while phase not in {"Succeeded", "Failed"}:
        assert time.monotonic() < deadline, kubernetes.kubectl("describe", "pod", "-n", namespace, name)
        time.sleep(0.1)
        phase = kubernetes.kubectl("get", "pod", "-n", namespace, name, "-o", "jsonpath={.status.phase}")
    printed = kubernetes.kubectl("logs", "-n", namespace, name)
    assert phase == "Succeeded", printed
    return printed
