"""A job and its profile in the same files: the rule of pseudonyms is asked as the operator will ask it."""

import base64

import pytest

from adit.api.manifests import ManifestErrors, read, read_all

PROFILE = """\
apiVersion: adit.dev/v1alpha1
kind: PseudonymizationProfile
metadata: {name: brain}
spec: {pseudonymSource: Derived}
"""
JOB = """\
apiVersion: adit.dev/v1alpha1
kind: TransferJob
metadata: {name: night}
spec:
  source: {name: pacs}
  destination: {name: research}
  pseudonymization: {profile: brain}
  tasks:
    - patientId: "1"
      studyInstanceUid: "1.2"
"""
BROUGHT = JOB + "      pseudonym: P1\n"
SENTENCE = "spec.tasks[0].pseudonym: is made by the profile (pseudonymSource Derived or Random): remove it"


def refused(*texts: str) -> list[str]:
    with pytest.raises(ManifestErrors) as caught:
        read_all([(f"{position}.yaml", text) for position, text in enumerate(texts)])
    return caught.value.problems


def test_a_pseudonym_that_the_profile_makes_is_refused_with_its_line_wherever_the_profile_stands() -> None:
    told = [f"TransferJob/night: {SENTENCE} (line 11)"]
    assert refused(PROFILE, BROUGHT) == [f"1.yaml: {one}" for one in told]
    assert refused(BROUGHT, PROFILE) == [f"0.yaml: {one}" for one in told]


def test_without_pseudonyms_both_are_taken() -> None:
    assert [one.kind for one in read_all([("p", PROFILE), ("j", JOB)])] == ["PseudonymizationProfile", "TransferJob"]


def test_where_the_profile_is_elsewhere_nothing_is_said_of_pseudonyms() -> None:
    assert read(JOB, "j")
    assert read(BROUGHT, "j")


def test_a_profile_that_asks_for_given_ones_makes_them_required() -> None:
    (problem,) = refused(PROFILE.replace("Derived", "Given"), JOB)
    assert "spec.tasks[0].pseudonym: is required, because the job pseudonymizes" in problem


def test_a_profile_of_another_namespace_is_another_profile() -> None:
    elsewhere = PROFILE.replace("{name: brain}", "{name: brain, namespace: lab}")
    assert len(read_all([("p", elsewhere), ("j", BROUGHT)])) == 2


def test_a_list_in_a_secret_is_held_to_the_same() -> None:
    line = b'{"patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "P1", "issuerOfPatientId": "A"}'
    content = base64.b64encode(line).decode()
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: list, labels: {adit.dev/purpose: tasks}}\n"
        f"data: {{tasks.jsonl: {content}}}\n"
    )
    job = JOB.partition("  tasks:")[0] + "  tasksFrom: [{secretRef: {name: list, key: tasks.jsonl}}]\n"
    (problem,) = refused(PROFILE, job, secret)
    assert "Secret list, key tasks.jsonl, line 1: pseudonym: is made by the profile" in problem
    assert len(read_all([("p", PROFILE.replace("Derived", "Given")), ("j", job), ("s", secret)])) == 3
