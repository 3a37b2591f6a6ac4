"""What a runner is given, for tests: a TaskSet as the operator makes it, and the files of the contract."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adit.api.labels import JOB_CREATED_AT, REQUESTED_BY
from adit.api.model import API_VERSION
from adit.cluster.cluster import Manifest
from adit.contract import (
    ATTEMPT_ENV,
    AUTHORIZATION_FILE,
    CONFIG_ENV,
    DESTINATION,
    FOLDER_FILE,
    KEY,
    KEY_FILE,
    PROFILE,
    PROFILE_FILE,
    SERVER_FILE,
    SETTINGS,
    SETTINGS_FILE,
    SOURCE,
    SPOOL_ENV,
    TASKSET_NAME_ENV,
    TASKSET_NAMESPACE_ENV,
    TASKSET_UID_ENV,
)
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import Profile


def task_set_manifest(
    name: str = "tj-night-0000aaaa-0-0",
    *,
    studies: Sequence[str] = ("1.2.3",),
    profile: Profile | None = None,
    key: ProjectKey | None = None,
    spec: Mapping[str, Any] | None = None,
) -> Manifest:
    """One identified study after the other of patient P1, from `pacs` to `research`; `spec` overrides fields."""
    pseudonym = {"pseudonym": "Alice"} if profile is not None else {}
    tasks = [
        {"id": f"t{n}", "patientId": "P1", "studyInstanceUid": study, **pseudonym} for n, study in enumerate(studies)
    ]
    body: dict[str, Any] = {
        "owner": {"kind": "TransferJob", "name": "night", "uid": "0000aaaa-1111"},
        "round": 0,
        "index": 0,
        "work": "Transfer",
        "source": {"kind": "DicomServer", "name": "pacs"},
        "destination": {"kind": "DicomServer", "name": "research"},
        "identified": profile is None,
        "tasks": tasks,
    }
    if profile is not None:
        body["profile"] = {"name": profile.name, "hash": profile.hash}
    if key is not None:
        body["keyId"] = key.id
    annotations = {REQUESTED_BY: "alice", JOB_CREATED_AT: "2024-01-02T03:04:05Z"}
    return {
        "apiVersion": API_VERSION,
        "kind": "TaskSet",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {**body, **(spec or {})},
    }


def server_spec(port: int = 11112, ae_title: str = "PACS", **fields: Any) -> dict[str, Any]:
    """A DicomServer's spec on the loopback interface."""
    return {"aeTitle": ae_title, "dimse": {"host": "127.0.0.1", "port": port}, **fields}


def write_runner_config(
    folder: Path,
    *,
    source: Mapping[str, Any] | None = None,
    destination: Mapping[str, Any] | None = None,
    destination_kind: str = "DicomServer",
    authorization: str | None = None,
    mount_dir: str = "/mnt",
    profile: Profile | None = None,
    key: ProjectKey | None = None,
    contract: int = 1,
) -> Path:
    """Write the files of the contract below `folder`; gives the folder."""
    peer_file = SERVER_FILE if destination_kind == "DicomServer" else FOLDER_FILE
    _write(folder / SOURCE / SERVER_FILE, _peer("pacs", source or server_spec(), contract))
    _write(
        folder / DESTINATION / peer_file,
        _peer("research", destination or server_spec(verification={"settleSeconds": 0}), contract),
    )
    settings = {
        "contract": contract,
        "callingAeTitle": "ADIT",
        "excludeModalities": ["PR", "SR"],
        "mountDir": mount_dir,
    }
    _write(folder / SETTINGS / SETTINGS_FILE, settings)
    if authorization is not None:
        (folder / SOURCE / AUTHORIZATION_FILE).write_text(authorization)
    if profile is not None:
        _write(folder / PROFILE / PROFILE_FILE, profile.document())
    if key is not None:
        (folder / KEY).mkdir(parents=True, exist_ok=True)
        (folder / KEY / KEY_FILE).write_bytes(key.secret)
    return folder


def runner_environment(task_set: Manifest, config: Path, spool: Path, *, attempt: int = 0) -> dict[str, str]:
    """The variables that the runner's Job would set; the TaskSet is one read from the cluster."""
    metadata = task_set["metadata"]
    return {
        TASKSET_NAMESPACE_ENV: metadata.get("namespace", "default"),
        TASKSET_NAME_ENV: metadata["name"],
        TASKSET_UID_ENV: metadata["uid"],
        ATTEMPT_ENV: str(attempt),
        CONFIG_ENV: str(config),
        SPOOL_ENV: str(spool),
    }


def _peer(name: str, spec: Mapping[str, Any], contract: int) -> dict[str, Any]:
    return {"contract": contract, "namespace": "default", "name": name, "spec": dict(spec)}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
