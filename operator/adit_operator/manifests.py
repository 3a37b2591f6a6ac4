"""The batch/v1 Job of one attempt at one TaskSet: what a runner pod gets, exactly as the contract says. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adit.api import labels
from adit.api.dicom_folder import DicomFolderSpec
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit.contract import (
    ATTEMPT_ENV,
    CONFIG_ENV,
    CONFIG_MOUNT,
    METRICS_ENV,
    RETRY_ENV,
    SPOOL_ENV,
    SPOOL_MOUNT,
    TASKSET_NAME_ENV,
    TASKSET_NAMESPACE_ENV,
    TASKSET_UID_ENV,
)
from adit_operator.names import job_name
from adit_operator.runner_pod import EVERYWHERE, RunnerPod

# On Jobs: the endpoints that its runner takes a slot on, as a JSON list of their texts.
ENDPOINTS = "adit.dev/endpoints"
# On Jobs: the hash of the peers as the runner was given them.
PEERS = "adit.dev/peers"
COMMAND = ("python", "-m", "adit_jobrunner")
GRACE_SECONDS = 120
GROUP = 10001  # the images' own
SPOOL = "spool"
VOLUME = "folder"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a runner."""

    task_set: Ref
    task_set_uid: str
    owner_name: str
    owner_uid: str
    number: int
    endpoints: Sequence[str]
    # names of the rendered Secrets, by volume
    secrets: Mapping[str, str]
    peers: str
    folder: DicomFolderSpec | None = None
    retry_seconds: float = 120.0
    service_account: str | None = None
    spool_size: str = "20Gi"  # a quantity; room for the largest instance that is taken
    pod: RunnerPod = EVERYWHERE


def runner_job(attempt: Attempt, *, namespace: str, image: str, mount_dir: str) -> Manifest:
    """The Job of an attempt: one completion, no retry of its own, gone for good before it counts as failed."""
    marks = {
        labels.MANAGED_BY: labels.MANAGED_BY_ADIT,
        labels.OWNER_UID: attempt.owner_uid,
        labels.OWNER_NAMESPACE: attempt.task_set.namespace,
        labels.TASK_SET: attempt.task_set.name,
        labels.TASK_SET_UID: attempt.task_set_uid,
        labels.ATTEMPT: str(attempt.number),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(attempt.task_set.name, attempt.number),
            "namespace": namespace,
            "labels": marks,
            "annotations": {
                ENDPOINTS: json.dumps(list(attempt.endpoints)),
                PEERS: attempt.peers,
                labels.OWNER_NAME: attempt.owner_name,
            },
        },
        "spec": {
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "template": {"metadata": {"labels": marks}, "spec": _pod(attempt, image=image, mount_dir=mount_dir)},
        },
    }


def _pod(attempt: Attempt, *, image: str, mount_dir: str) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [
        {"name": volume, "secret": {"secretName": name}} for volume, name in sorted(attempt.secrets.items())
    ]
    mounts: list[dict[str, Any]] = [
        {"name": volume, "mountPath": str(CONFIG_MOUNT / volume), "readOnly": True}
        for volume in sorted(attempt.secrets)
    ]
    volumes.append({"name": SPOOL, "emptyDir": {"sizeLimit": attempt.spool_size}})
    mounts.append({"name": SPOOL, "mountPath": str(SPOOL_MOUNT)})
    if attempt.folder is not None:
        volume = attempt.folder.volume
        volumes.append({"name": VOLUME, "persistentVolumeClaim": {"claimName": volume.claim_name}})
        mount = {"name": VOLUME, "mountPath": f"{mount_dir}/{volume.claim_name}"}
        if volume.sub_path is not None:
            mount |= {"mountPath": f"{mount['mountPath']}/{volume.sub_path}", "subPath": volume.sub_path}
        mounts.append(mount)
    account = {"serviceAccountName": attempt.service_account} if attempt.service_account is not None else {}
    return {
        **account,
        **attempt.pod.of_pod(),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        # what PodSecurity calls restricted; the group is for the folder's volume
        "securityContext": {"runAsNonRoot": True, "fsGroup": GROUP, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "runner",
                "image": image,
                "command": list(COMMAND),
                "env": _environment(attempt),
                "volumeMounts": mounts,
                **attempt.pod.of_container(),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
        "volumes": volumes,
    }


def _environment(attempt: Attempt) -> list[dict[str, Any]]:
    values = {
        TASKSET_NAMESPACE_ENV: attempt.task_set.namespace,
        TASKSET_NAME_ENV: attempt.task_set.name,
        TASKSET_UID_ENV: attempt.task_set_uid,
        ATTEMPT_ENV: str(attempt.number),
        CONFIG_ENV: str(CONFIG_MOUNT),
        SPOOL_ENV: str(SPOOL_MOUNT),
        RETRY_ENV: f"{attempt.retry_seconds:g}",
        **({METRICS_ENV: str(attempt.pod.metrics_port)} if attempt.pod.metrics_port else {}),
    }
    pod = {"POD_NAME": "metadata.name", "POD_UID": "metadata.uid"}  # who holds the set
    return [
        *({"name": name, "value": value} for name, value in values.items()),
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in pod.items()),
    ]
