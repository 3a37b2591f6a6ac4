"""A job under a pseudonym: it makes the project's key, and nobody can be recognised by what arrives."""

import pytest

from adit.testing import patients
from tests.cluster.access import KubectlError
from tests.end_to_end.release import Resident
from tests.end_to_end.tenant import counts

pytestmark = pytest.mark.cluster

PATIENT = patients.PLAIN
PROFILE = {"profile": "adit-compatible"}


def test_a_pseudonymized_job_makes_the_projects_key_and_shows_nothing_of_the_patient(tenant: Resident) -> None:
    studies = tenant.load("a", "b", patient=PATIENT)
    tasks = [
        {"patientId": PATIENT.patient_id, "studyInstanceUid": one.study_instance_uid, "pseudonym": "PSN-1"}
        for one in studies
    ]
    with pytest.raises(KubectlError, match="not found"):
        tenant.read("secret", "adit-project-key")

    tenant.job("night", (), tasks=tasks, pseudonymization=PROFILE)
    tenant.wait_for_phase("night", "Success")

    arrived = tenant.destination.instances()
    assert tenant.status("night")["instances"] == counts(8)
    assert (len(arrived), {one.patient_id for one in arrived}) == (8, {"PSN-1"})
    files = b"".join(one.path.read_bytes() for one in arrived)
    identifiers = [PATIENT.patient_id, PATIENT.name, PATIENT.birth_date, *tenant.expected]
    for study in studies:
        identifiers += [study.study_instance_uid, study.accession_number, *(one.uid_in(study) for one in study.series)]
    assert [one for one in identifiers if one.encode() in files] == []
    key = tenant.read("secret", "adit-project-key")
    assert key["metadata"]["labels"]["adit.dev/purpose"] == "key"
    assert tenant.read("configmap", "adit-project-key-id")["data"]["id"] == tenant.status("night")["plan"]["keyId"]


def test_another_job_of_the_project_finds_the_same_key_and_gives_the_same_new_uids(tenant: Resident) -> None:
    [study] = tenant.load("a")
    task = {"patientId": PATIENT.patient_id, "studyInstanceUid": study.study_instance_uid, "pseudonym": "PSN-1"}
    for name in ("first", "second"):
        tenant.job(name, (), tasks=[task], pseudonymization=PROFILE)
        tenant.wait_for_phase(name, "Success")

    keys = {tenant.status(name)["plan"]["keyId"] for name in ("first", "second")}
    assert len(keys) == 1
    assert tenant.destination.received == 8
    assert len(tenant.arrived) == 4
    assert tenant.arrived.isdisjoint(tenant.expected)
