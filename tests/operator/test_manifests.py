import base64
import json
from typing import Any

import pytest
from pydantic import ValidationError

from adit import contract
from adit.api.dicom_folder import DicomFolderSpec
from adit.cluster.embedded.job_schema import job_problems
from adit.cluster.kinds import Ref
from adit.contract import RenderedServer, RunnerSettings
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import BUILT_IN
from adit_operator.manifests import Attempt, runner_job
from adit_operator.observed import SeenFolder
from adit_operator.project import seen_job
from adit_operator.render import Given, Peer, mounts_of, peers_hash, rendered
from adit_operator.settings import OperatorSettings
from adit_operator.testing.builders import JOB_UID, dicom_server

SETTINGS = RunnerSettings(mount_dir="/mnt")
FOLDER = DicomFolderSpec.of({"volume": {"claimName": "archive", "subPath": "a/b"}})


def gift(**changes: Any) -> Given:
    parts: dict[str, Any] = {
        "source": Peer(dicom_server()),
        "destination": Peer(dicom_server("research")),
        "settings": SETTINGS,
    }
    return Given(**(parts | changes))


def attempt(**changes: Any) -> Attempt:
    parts: dict[str, Any] = {
        "task_set": Ref("TaskSet", "tenant", "tj-night-0a1b2c3d-0-0"),
        "task_set_uid": "set-uid",
        "owner_name": "night",
        "owner_uid": JOB_UID,
        "number": 3,
        "endpoints": ("A@h:1", "B@h:2"),
        "secrets": {"source": "s", "destination": "d", "settings": "t"},
        "peers": "hash",
    }
    return Attempt(**(parts | changes))


def job(**changes: Any) -> Any:
    return runner_job(attempt(**changes), namespace="adit", image="runner:1", mount_dir="/mnt")


def content(secret: Any, name: str) -> bytes:
    return base64.b64decode(secret["data"][name])


def test_a_job_runs_one_pod_once() -> None:
    made = job()
    assert made["metadata"]["name"] == "tj-night-0a1b2c3d-0-0-a3"
    assert made["metadata"]["namespace"] == "adit"
    assert (made["spec"]["backoffLimit"], made["spec"]["podReplacementPolicy"]) == (0, "Failed")
    pod = made["spec"]["template"]["spec"]
    assert (pod["restartPolicy"], pod["terminationGracePeriodSeconds"]) == ("Never", 120)
    assert job_problems(made) == []


def test_the_pause_between_attempts_is_the_operators_to_set() -> None:
    env = job(retry_seconds=0.5)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": contract.RETRY_ENV, "value": "0.5"} in env


def test_a_spool_has_a_size_that_the_operator_may_set() -> None:
    [spool] = [one for one in job()["spec"]["template"]["spec"]["volumes"] if one["name"] == "spool"]
    assert spool["emptyDir"] == {"sizeLimit": "20Gi"}
    other = job(spool_size=OperatorSettings.model_validate({"ADIT_SPOOL_SIZE": "512Mi"}).spool_size)
    assert {"sizeLimit": "512Mi"} in [one.get("emptyDir") for one in other["spec"]["template"]["spec"]["volumes"]]
    assert job_problems(other) == []


@pytest.mark.parametrize("size", ["", "0", "20", "-1Gi", "20Gb", "a lot"])
def test_a_size_that_kubernetes_would_misread_is_refused_at_once(size: str) -> None:
    with pytest.raises(ValidationError):
        OperatorSettings.model_validate({"ADIT_SPOOL_SIZE": size})


def test_a_runner_gets_the_environment_of_the_contract() -> None:
    variables = job()["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {one["name"]: one["value"] for one in variables if "value" in one} == {
        contract.TASKSET_NAMESPACE_ENV: "tenant",
        contract.TASKSET_NAME_ENV: "tj-night-0a1b2c3d-0-0",
        contract.TASKSET_UID_ENV: "set-uid",
        contract.ATTEMPT_ENV: "3",
        contract.CONFIG_ENV: "/etc/adit/runner",
        contract.SPOOL_ENV: "/var/spool/adit",
        contract.RETRY_ENV: "120",
    }


def test_a_runner_knows_its_pod_by_the_downward_api() -> None:
    variables = job()["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"] for one in variables if "valueFrom" in one} == {
        "POD_NAME": "metadata.name",
        "POD_UID": "metadata.uid",
    }


def test_a_runner_has_the_service_account_that_it_is_given_and_else_none_named() -> None:
    assert job(service_account="runner")["spec"]["template"]["spec"]["serviceAccountName"] == "runner"
    assert "serviceAccountName" not in job()["spec"]["template"]["spec"]


def test_a_runner_fits_a_restricted_namespace() -> None:
    pod = job()["spec"]["template"]["spec"]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["seccompProfile"]) == (
        True,
        {"type": "RuntimeDefault"},
    )
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_each_secret_is_mounted_where_the_contract_says() -> None:
    container = job()["spec"]["template"]["spec"]["containers"][0]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    assert mounts == {
        "source": "/etc/adit/runner/source",
        "destination": "/etc/adit/runner/destination",
        "settings": "/etc/adit/runner/settings",
        "spool": "/var/spool/adit",
    }


def test_a_folder_is_mounted_below_the_mount_folder() -> None:
    pod = job(folder=FOLDER)["spec"]["template"]["spec"]
    mount = pod["containers"][0]["volumeMounts"][-1]
    assert mount == {"name": "folder", "mountPath": "/mnt/archive/a/b", "subPath": "a/b"}
    assert {"name": "folder", "persistentVolumeClaim": {"claimName": "archive"}} in pod["volumes"]


def test_a_job_is_read_back_as_it_was_made() -> None:
    seen = seen_job(job())
    assert seen is not None
    assert seen.task_set == Ref("TaskSet", "tenant", "tj-night-0a1b2c3d-0-0")
    assert (seen.attempt, seen.owner_uid, seen.task_set_uid) == (3, JOB_UID, "set-uid")
    assert seen.endpoints == ("A@h:1", "B@h:2")
    assert seen.secrets == {"source": "s", "destination": "d", "settings": "t"}
    assert (seen.image, seen.peers, seen.finished) == ("runner:1", "hash", False)


def test_a_job_that_is_not_ours_is_not_seen() -> None:
    made = job()
    made["metadata"]["labels"] = {}
    assert seen_job(made) is None


def test_a_job_is_finished_only_when_no_pod_is_left() -> None:
    done = {"conditions": [{"type": "Failed", "status": "True"}]}
    states = [{}, {"active": 1}, done, {**done, "terminating": 1}]
    found = [seen_job({**job(), "status": status}) for status in states]
    assert [one.finished for one in found if one] == [False, False, True, False]


def test_a_rendered_server_is_what_the_contract_reads_with_its_credential_beside_it() -> None:
    secret = rendered(gift(source=Peer(dicom_server(), {"authorization": b"Bearer x"})), "adit")["source"]
    read = RenderedServer.of(json.loads(content(secret, contract.SERVER_FILE)))
    assert (read.name, read.spec) == ("pacs", dicom_server().spec)
    assert content(secret, contract.AUTHORIZATION_FILE) == b"Bearer x"
    assert (secret["immutable"], secret["metadata"]["namespace"]) == (True, "adit")


def test_rendered_secrets_are_named_by_their_content() -> None:
    one, same = rendered(gift(), "adit"), rendered(gift(), "adit")
    other = rendered(gift(source=Peer(dicom_server(), {"authorization": b"Bearer x"})), "adit")
    assert mounts_of(gift(), one) == mounts_of(gift(), same)
    assert one["source"]["metadata"]["name"] != other["source"]["metadata"]["name"]
    assert one["destination"]["metadata"]["name"] == other["destination"]["metadata"]["name"]


def test_certificates_lie_beside_the_server_under_the_names_of_the_contract() -> None:
    files = {
        contract.TLS_AUTHORITIES_FILE: b"geheim",
        contract.TLS_CERTIFICATE_FILE: b"crt",
        contract.TLS_KEY_FILE: b"key",
    }
    secret = rendered(gift(source=Peer(dicom_server(), files)), "adit")["source"]
    assert {name: content(secret, name) for name in files} == files
    assert "geheim" not in repr(Peer(dicom_server(), files))


def test_the_key_of_the_receiver_is_mounted_by_name_and_never_copied() -> None:
    told = gift(receiver_key="adit-receiver-key")
    secrets = rendered(told, "adit")
    assert contract.RECEIVER not in secrets
    assert mounts_of(told, secrets)[contract.RECEIVER] == "adit-receiver-key"
    pod = job(secrets=mounts_of(told, secrets))["spec"]["template"]["spec"]
    assert {"name": "receiver", "secret": {"secretName": "adit-receiver-key"}} in pod["volumes"]
    mount = {"name": "receiver", "mountPath": "/etc/adit/runner/receiver", "readOnly": True}
    assert mount in pod["containers"][0]["volumeMounts"]


def test_profile_and_key_are_rendered_only_where_the_job_pseudonymizes() -> None:
    key = ProjectKey(b"k" * 32)
    secrets = rendered(gift(profile=BUILT_IN["adit-compatible"], key=key), "adit")
    assert content(secrets["key"], contract.KEY_FILE) == key.secret
    assert json.loads(content(secrets["profile"], contract.PROFILE_FILE))["name"] == "adit-compatible"
    assert set(rendered(gift(), "adit")) == {"source", "destination", "settings"}


def test_a_folder_is_rendered_as_destination() -> None:
    folder = SeenFolder(Ref("DicomFolder", "default", "disk"), "uid", FOLDER)
    assert contract.FOLDER_FILE in rendered(gift(destination=folder), "adit")["destination"]["data"]


def test_any_change_of_a_server_lets_a_refused_job_try_again() -> None:
    touched = dicom_server().model_copy(
        update={"metadata": dicom_server().metadata.model_copy(update={"annotations": {"note": "admitted now"}})}
    )
    hashes = {
        peers_hash(gift()),
        peers_hash(gift(source=Peer(touched))),
        peers_hash(gift(source=Peer(dicom_server(), {"authorization": b"new"}))),
        peers_hash(gift(source=Peer(dicom_server(), {"tls-ca.crt": b"new"}))),
        peers_hash(gift(source=Peer(dicom_server(port=105)))),
    }
    assert len(hashes) == 5
