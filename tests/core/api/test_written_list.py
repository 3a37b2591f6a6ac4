import base64
import json
from typing import Any

import pytest

from adit.api.manifests import ManifestErrors, read

JOB = """
apiVersion: adit.dev/v1alpha1
kind: TransferJob
metadata: {name: night}
spec:
  source: {name: pacs}
  destination: {name: research}
  pseudonymization: {identified: true, reason: a test}
  tasksFrom:
  - secretRef: {name: night-tasks, key: tasks.jsonl}
"""


def secret(content: str, **metadata: Any) -> str:
    meta = {"name": "night-tasks", "labels": {"adit.dev/purpose": "tasks"}, **metadata}
    data = {"tasks.jsonl": base64.b64encode(content.encode()).decode()}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})


def both(content: str, **metadata: Any) -> str:
    return f"{JOB}---\n{secret(content, **metadata)}\n"


GOOD = '{"patientId": "P", "studyInstanceUid": "1.2"}\n'


def problems(text: str) -> str:
    with pytest.raises(ManifestErrors) as refused:
        read(text, "x.yaml")
    (problem,) = refused.value.problems
    return problem


def test_a_list_in_the_same_files_is_checked() -> None:
    assert [document.warnings for document in read(both(GOOD), "x.yaml")] == [(), ()]
    said = "x.yaml: TransferJob/night: spec.tasksFrom: Secret night-tasks, key tasks.jsonl, line 2: not JSON"
    assert problems(both(f"{GOOD}nothing")).startswith(said)


def test_a_list_that_is_not_in_the_files_is_said() -> None:
    (document,) = read(JOB, "x.yaml")
    (warning,) = document.warnings
    assert warning.startswith("x.yaml: TransferJob/night: spec.tasksFrom[0].secretRef: Secret night-tasks is not in")


def test_a_secret_of_another_namespace_is_not_the_jobs() -> None:
    job, _ = read(both(GOOD, namespace="elsewhere"), "x.yaml")
    assert "is not in these files" in job.warnings[0]


def test_a_secret_without_the_key_is_refused() -> None:
    assert "has no key tasks.jsonl" in problems(both(GOOD).replace('"tasks.jsonl":', '"other":'))


def test_a_secret_for_another_purpose_is_refused() -> None:
    assert "another purpose" in problems(both(GOOD, labels={"adit.dev/purpose": "key"}))


def test_a_job_has_its_tasks_in_one_place() -> None:
    text = JOB + "  tasks: [{patientId: P, studyInstanceUid: '1.2'}]\n"
    assert "give either tasks or tasksFrom" in problems(text)
