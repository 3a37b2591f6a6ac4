"""A profile of a project's own on the installed chart: what a job waits for, what arrives, who learns who is who."""

import base64
import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from adit.pseudonymization.mapping import rows_of_secret
from adit.testing import patients
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine
from adit_cli.testing.program import Result
from tests.cluster.access import KubectlError
from tests.end_to_end.conftest import resident
from tests.end_to_end.release import Release, Resident
from tests.end_to_end.tenant import counts, until
from tests.end_to_end.test_doctor import account, kubeconfig_of

pytestmark = pytest.mark.cluster

PATIENT = patients.PLAIN
KEY = bytes(range(32))
PROFILE = {
    "options": ["RetainLongitudinalModifiedDates"],
    "pseudonymSource": "Derived",
    "keySecretRef": {"name": "study-key", "key": "key"},
    "mappingTable": True,
}
TABLES = ("-l", "adit.dev/purpose=mapping")


@dataclass(frozen=True)
class Project:
    """A namespace whose job has run by a profile and a key of its own; `waited` is for what, in order."""

    tenant: Resident
    waited: tuple[str, ...]

    @property
    def arrived_as(self) -> set[str]:
        return {one.patient_id for one in self.tenant.destination.instances()}

    def tables(self) -> list[dict[str, object]]:
        """The Secrets of the tenant's mapping tables among the runners."""
        mine = f"adit.dev/purpose=mapping,adit.dev/owner-namespace={self.tenant.namespace}"
        return list(json.loads(self.tenant.release.kubectl("get", "secrets", "-l", mine, "-o", "json"))["items"])

    def export(self, kubeconfig: Path, to: Path) -> Result:
        place = ("-n", self.tenant.namespace, "--runner-namespace", self.tenant.release.namespace)
        words = ("mapping", "export", "--kubeconfig", kubeconfig, *place, "--profile", "study-7", "-o", to)
        return CommandLine(to.parent / "unused")(*words)


@pytest.fixture(scope="module")
def project(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with ExitStack() as opened:
        tenant = resident(release, tmp_path_factory.mktemp("profiles"), opened)
        studies = tenant.load("a", "b", patient=PATIENT)
        tasks = [{"patientId": PATIENT.patient_id, "studyInstanceUid": one.study_instance_uid} for one in studies]
        tenant.job("night", (), tasks=tasks, pseudonymization={"profile": "study-7"})
        tenant.wait_for_condition("night", "Stalled", "ProfileNotFound")
        tenant.apply(manifests.resource("PseudonymizationProfile", "study-7", PROFILE))
        tenant.wait_for_condition("night", "Stalled", "KeyMissing")
        metadata = {"name": "study-key", "labels": {"adit.dev/purpose": "key"}}
        data = {"key": base64.b64encode(KEY).decode()}
        tenant.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
        tenant.wait_for_phase("night", "Success")
        yield Project(tenant, ("ProfileNotFound", "KeyMissing"))


def test_a_job_waits_for_its_profile_and_its_key_and_then_runs_by_both(project: Project) -> None:
    assert project.waited == ("ProfileNotFound", "KeyMissing")
    assert project.tenant.status("night")["instances"] == counts(8)
    with pytest.raises(KubectlError, match="not found"):
        project.tenant.read("secret", "adit-project-key")


def test_what_arrives_bears_one_derived_pseudonym_and_nothing_of_the_patient(project: Project) -> None:
    tenant = project.tenant
    arrived = tenant.destination.instances()
    assert (len(arrived), len(project.arrived_as)) == (8, 1)
    files = b"".join(one.path.read_bytes() for one in arrived)
    identifiers = [PATIENT.patient_id, PATIENT.name, PATIENT.birth_date, *tenant.expected]
    assert [one for one in identifiers if one.encode() in files] == []


def test_the_table_lies_among_the_runners_and_never_beside_the_key(project: Project) -> None:
    tenant = project.tenant
    [table] = project.tables()
    [row] = rows_of_secret(table)
    assert (row.patient_id, {row.pseudonym}) == (PATIENT.patient_id, project.arrived_as)
    assert (row.profile, row.namespace, row.first_job) == ("study-7", tenant.namespace, "night")
    assert row.key_id == tenant.status("night")["plan"]["keyId"]
    assert tenant.read("secrets", "", *TABLES)["items"] == []


def test_who_may_exports_the_table(project: Project, tmp_path: Path) -> None:
    result = project.export(project.tenant.kubernetes.kubeconfig, tmp_path / "m.csv")
    assert (result.code, json.loads(result.err)["outcome"]) == (0, "Exported")
    table = list(csv.DictReader(io.StringIO((tmp_path / "m.csv").read_text("utf-8-sig"), newline="")))
    assert [(line["patientId"], {line["pseudonym"]}) for line in table] == [(PATIENT.patient_id, project.arrived_as)]


def test_who_lacks_the_verb_or_the_secrets_is_told_which(project: Project, tmp_path: Path) -> None:
    tenant, target = project.tenant, tmp_path / "m.csv"
    name = account(tenant)
    kubeconfig = kubeconfig_of(tenant, name, tmp_path)
    refused = project.export(kubeconfig, target)
    who = f"system:serviceaccount:{tenant.namespace}:{name}"
    line, sentence = refused.err.splitlines()
    assert (refused.code, json.loads(line)["outcome"], json.loads(line)["requestedBy"]) == (1, "Refused", who)
    assert f"{who} lacks the verb read-mapping on PseudonymizationProfile study-7 in {tenant.namespace}" in sentence

    resource = ("--resource=pseudonymizationprofiles.adit.dev", "--resource-name=study-7")
    tenant.kubectl("create", "role", name, "--verb=read-mapping", *resource)
    tenant.kubectl("create", "rolebinding", name, f"--role={name}", f"--serviceaccount={tenant.namespace}:{name}")
    until("the verb is given", lambda: "may not list" in project.export(kubeconfig, target).err)
    assert not target.exists()


def test_the_table_outlives_its_job(project: Project) -> None:
    tenant = project.tenant
    tenant.kubectl("delete", "transferjob", "night")
    until("its sets are gone", lambda: tenant.read("tasksets")["items"] == [])
    assert len(project.tables()) == 1
