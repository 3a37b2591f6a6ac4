"""`adit run` with tasks in Secrets of the same files."""

import json
from typing import Any

from adit.testing.datasets import Study
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital

SOURCES = [{"secretRef": {"name": name, "key": "tasks.jsonl"}} for name in ("first", "second")]


def task(study: Study) -> dict[str, Any]:
    return {"patientId": study.patient.patient_id, "studyInstanceUid": study.study_instance_uid}


def a_list(name: str, *studies: Study) -> manifests.Manifest:
    text = "".join(json.dumps(task(study)) + "\n" for study in studies)
    return manifests.secret(name, {"tasks.jsonl": text}, purpose="tasks")


def job(**spec: Any) -> manifests.Manifest:
    made = manifests.job("night", (), tasksFrom=SOURCES, **spec)
    del made["spec"]["tasks"]
    return made


def test_lists_in_the_same_file_are_moved_in_order(hospital: Hospital) -> None:
    lists = a_list("first", *hospital.studies[:2]), a_list("second", hospital.studies[2])
    file = manifests.write(hospital.folder / "night.yaml", [*hospital.servers, *lists, job()])
    done = hospital.adit.run("run", file)
    assert (done.code, hospital.arrived) == (0, hospital.all_instances), done.err
    assert hospital.adit.told()["night"].states == {"t0": "S", "t1": "S", "t2": "S"}
    assert "Tasks from:    Secret/second, key tasks.jsonl" in hospital.adit.run("describe", "tj", "night").out


def test_a_list_that_is_nowhere_stalls_the_job_and_says_so(hospital: Hospital) -> None:
    file = manifests.write(hospital.folder / "night.yaml", [*hospital.servers, a_list("first"), job()])
    wrong = hospital.adit.run("run", file)
    assert (wrong.code, "no task" in wrong.err) == (2, True), wrong.err
    lists = a_list("first", *hospital.studies)
    file = manifests.write(hospital.folder / "night.yaml", [*hospital.servers, lists, job()])
    stalled = hospital.adit.run("run", file)
    assert stalled.code == 1
    assert "Secret second is not in these files" in stalled.err
    assert "Secret second in namespace default is missing" in stalled.err
    assert hospital.arrived == set()


def test_a_job_that_is_kept_for_no_time_is_compacted_by_the_next_run(hospital: Hospital) -> None:
    retention = {"recordsSecondsAfterFinished": 0}
    assert hospital.adit.run("run", hospital.file(retention=retention)).code == 0
    hospital.adit.run("run", hospital.file(name="day"))
    assert "RecordsExpired" in hospital.adit.run("describe", "tj", "night").out
    again = hospital.adit.run("retry", "night", "--scope", "All")
    assert (again.code, "records were removed" in again.err) == (1, True)
    assert hospital.adit.run("run", hospital.file(retention=retention)).code == 0
    assert hospital.destination.received == 24
