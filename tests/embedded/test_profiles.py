"""Profiles on one machine: a project's own, with a key and a table of its own, from file to destination."""

from typing import Any

from pydicom import dcmread

from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.testing import patients
from adit.testing.cluster import profile_manifest, secret_manifest
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital

KEY = "k" * 32
PSEUDONYM = Keyring(ProjectKey(KEY.encode())).derived_pseudonym("", patients.PLAIN.patient_id)
BRAIN = profile_manifest(
    "brain",
    options=["RetainPatientCharacteristics"],
    pseudonymSource="Derived",
    trial={"id": "T1", "name": "Brain"},
    keySecretRef={"name": "brain-key", "key": "seed"},
    mappingTable=True,
)


def key() -> manifests.Manifest:
    return secret_manifest("brain-key", {"seed": KEY}, labels={"adit.dev/purpose": "key"})


def by(profile: str) -> dict[str, Any]:
    return {"pseudonymization": {"profile": profile}}


def test_a_projects_own_profile_key_and_pseudonyms_reach_the_destination(hospital: Hospital) -> None:
    done = hospital.adit.run("run", hospital.file(BRAIN, key(), **by("brain")))
    assert done.code == 0, done.err
    arrived = [dcmread(one.path) for one in hospital.destination.instances()]
    assert len(arrived) == 12
    assert {str(one.PatientID) for one in arrived} == {str(one.PatientName) for one in arrived} == {PSEUDONYM}
    assert {str(one.ClinicalTrialProtocolID) for one in arrived} == {"T1"}
    assert hospital.arrived.isdisjoint(hospital.all_instances)
    assert {len(str(one.PatientSex)) for one in arrived} == {1}, "the option keeps it"


def test_without_the_key_that_it_names_nothing_leaves_and_the_command_is_told(hospital: Hospital) -> None:
    waited = hospital.adit.run("run", hospital.file(BRAIN, **by("brain")))
    assert waited.code != 0
    assert "kubectl create secret generic" in waited.err
    assert hospital.arrived == set()
    assert "brain-key" not in hospital.adit.run("get", "secrets").out, "a named key is never made"
