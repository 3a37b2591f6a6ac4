"""A job whose pseudonyms the operator makes, and what must hold of it whatever happens: made ones are in the table."""

from typing import Protocol

from adit.api.resource import TaskSet, TransferJob
from adit.cluster.cluster import Listing, Manifest
from adit.cluster.kinds import SECRET, TRANSFER_JOB
from adit.pseudonymization.mapping import MAPPING_TYPE, rows_of_secret
from adit.testing.cluster import profile_manifest

BY_PROFILE = {"pseudonymization": {"profile": "brain"}}


class Lists(Protocol):
    """What is needed of a cluster."""

    async def list(self, kind: str) -> Listing: ...

    async def create(self, manifest: Manifest) -> Manifest: ...


async def make_profile(cluster: Lists) -> None:
    """The profile that the job above names."""
    await cluster.create(profile_manifest("brain", pseudonymSource="Derived", mappingTable=True))


async def table_is_complete(cluster: Lists) -> None:
    """Before there is a plan every patient has one row; in a set a task has the pseudonym of its patient's row."""
    secrets = [one for one in (await cluster.list(SECRET.name)).items if one.get("type") == MAPPING_TYPE]
    rows = {row.patient_id: row.pseudonym for one in secrets for row in rows_of_secret(one)}
    for manifest in (await cluster.list(TRANSFER_JOB.name)).items:
        job = TransferJob.read(manifest)
        if job.spec.pseudonymization.profile is not None and job.status.plan is not None:
            assert {task.patient_id for task in job.spec.inline} <= rows.keys(), "planned before its table was there"
    for manifest in (await cluster.list("TaskSet")).items:
        spec = TaskSet.read(manifest).spec
        for task in spec.tasks if spec.profile is not None else ():
            assert task.pseudonym == rows[task.patient_id], "a task has another pseudonym than its patient's row"
