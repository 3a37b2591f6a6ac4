"""Lists of tasks from Secrets, by the commands of the documentation, and what retention leaves of a finished job."""

import gzip
import json
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from adit.testing.datasets import Study
from adit_cli.testing import manifests
from tests.end_to_end.tenant import until
from tests.end_to_end.ward import Ward

pytestmark = pytest.mark.cluster

KEY = "tasks.jsonl.gz"
TRACKED = "argocd.argoproj.io/tracking-id=research:adit.dev/TransferJob:ward/night"


def of_studies(studies: Iterable[Study]) -> list[dict[str, Any]]:
    return [{"patientId": one.patient.patient_id, "studyInstanceUid": one.study_instance_uid} for one in studies]


def lines(tasks: Iterable[dict[str, Any]]) -> str:
    return "".join(
        json.dumps({key: value for key, value in task.items() if value is not None}) + "\n" for task in tasks
    )


def listing_job(*secrets: str, **spec: Any) -> manifests.Manifest:
    sources = [{"secretRef": {"name": name, "key": KEY}} for name in secrets]
    made = manifests.job("night", (), tasksFrom=sources, **spec)
    del made["spec"]["tasks"]
    return made


def documented(project: Path, language: str, words: str) -> str:
    """The first block of the page in this language that says these words."""
    page = (project / "docs/large-jobs.md").read_text()
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if words in block)


def in_shell(ward: Ward, commands: str) -> None:
    """Run commands as a person would whose kubectl works in the tenant's namespace."""
    config = yaml.safe_load(ward.kubernetes.kubeconfig.read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = ward.namespace
    path = ward.folder / "kubeconfig-of-a-person"
    path.write_text(yaml.safe_dump(config))
    tools = f"{ward.kubernetes.kubectl_path.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "KUBECONFIG": str(path), "PATH": tools}
    subprocess.run(["sh", "-ec", commands], cwd=ward.folder, env=environment, check=True, timeout=60)


def test_a_list_made_by_the_documented_commands_is_moved(ward: Ward, project: Path) -> None:
    studies = ward.load("a", "b", "c", instances=1)
    (ward.folder / "tasks.jsonl").write_text(lines(of_studies(studies)))
    _, job = documented(project, "yaml", "tasksFrom:").split("---\n")
    (ward.folder / "job.yaml").write_text(job)
    ward.apply(*ward.servers())
    ward.operator()

    in_shell(ward, documented(project, "sh", "kubectl create secret"))
    ward.wait_for_phase("night", "Success")

    assert ward.arrived == ward.expected
    assert ward.status("night")["tasks"]["succeeded"] == 3


def test_a_list_is_waited_for_and_the_commands_in_the_message_mend_it(ward: Ward) -> None:
    studies = ward.load("a", instances=1)
    (ward.folder / KEY).write_bytes(gzip.compress(lines(of_studies(studies)).encode()))
    ward.apply(*ward.servers(), listing_job("night-tasks"))
    ward.operator()

    for reason in ("TasksMissing", "SecretNotLabelled"):
        ward.wait_for_condition("night", "Stalled", reason)
        command = re.findall(r"`(kubectl [^`]+)`", ward.condition("night", "Stalled")["message"])[0]
        in_shell(ward, command)
    ward.wait_for_phase("night", "Success")


def test_ten_thousand_tasks_are_planned_while_the_first_ones_run(ward: Ward) -> None:
    studies = ward.load("a", instances=1)
    tasks = [*of_studies(studies), *({"patientId": f"P{i}", "studyInstanceUid": f"1.2.{i}"} for i in range(9_999))]
    for name, part in (("first", tasks[:5_000]), ("second", tasks[5_000:])):
        (ward.folder / KEY).write_bytes(gzip.compress(lines(part).encode()))
        in_shell(ward, f"kubectl create secret generic {name} --from-file={KEY}")
        in_shell(ward, f"kubectl label secret {name} adit.dev/purpose=tasks")
    ward.apply(*ward.servers(), listing_job("first", "second", parallelism=50))
    ward.operator()

    ward.wait_for_condition("night", "Ready")
    until("the first image has arrived", lambda: ward.arrived)
    early = len(ward.task_sets("night"))
    until("all sets are made", lambda: len(ward.task_sets("night")) == 200)
    ward.patch("night", shutdown="Immediate")

    assert early < 200
    assert ward.status("night")["plan"]["tasks"] == 10_000


def test_a_finished_job_is_compacted_and_deleted_when_it_was_asked_for(ward: Ward) -> None:
    ward.operator()
    ward.job("night", ward.load("a", instances=1), retention={"recordsSecondsAfterFinished": 0})
    ward.wait_for_condition("night", "Compacted")
    until("its sets are gone", lambda: not ward.task_sets("night"))
    until("its runners are gone", lambda: not ward.read("jobs")["items"])
    assert ward.status("night")["tasks"]["succeeded"] == 1

    ward.patch("night", retry={"token": "again", "scope": "All"})
    until("the retry is answered", lambda: ward.condition("night", "Ready").get("reason") == "RecordsCompacted")
    assert ward.status("night")["phase"] == "Success"

    ward.patch("night", retention={"ttlSecondsAfterFinished": 0})
    until("the job is deleted", lambda: not ward.read("transferjobs")["items"])


def test_a_job_of_argo_cd_is_kept_and_says_so(ward: Ward) -> None:
    ward.operator()
    ward.job("night", ward.load("a", instances=1))
    ward.kubectl("annotate", "transferjob", "night", TRACKED)
    ward.wait_for_phase("night", "Success")
    ward.patch("night", retention={"ttlSecondsAfterFinished": 0})
    ward.wait_for_condition("night", "RetentionLimited", "GitOpsOwned")
    until("its sets are gone", lambda: not ward.task_sets("night"))
    assert ward.condition("night", "Compacted")["status"] == "True"
