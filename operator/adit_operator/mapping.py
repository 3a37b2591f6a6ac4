"""A job's part of the mapping table: which of its patients got which pseudonym; only where a profile asks. Pure."""

from adit.api.resource import TransferJob
from adit.api.task_list import TaskList
from adit.cluster.cluster import Manifest
from adit.pseudonymization.mapping import MappingRow, mapping_secrets
from adit.pseudonymization.profile import Profile
from adit_operator.observed import Waiting
from adit_operator.pseudonyms import Maker, with_pseudonym


def beside_its_key(job: TransferJob, profile: Profile, runner_namespace: str) -> Waiting | None:
    """Why no table is kept of this job: it would lie in the namespace of its key, and who reads one reads both."""
    if not profile.spec.mapping_table or job.metadata.namespace != runner_namespace:
        return None
    return Waiting(
        "MappingBesideKey",
        f"the mapping table would lie beside its key in namespace {runner_namespace}, where the runners are: make the "
        f"profile {profile.name} and its jobs in another namespace, or without spec.mappingTable",
    )


def mapping_of(
    job: TransferJob, tasks: TaskList, profile: Profile, *, key_id: str, make: Maker | None, runner_namespace: str
) -> tuple[Manifest, ...]:
    """The Secrets that keep the rows; of a hundred thousand patients ten, in some seconds.

    They are named by all that decides what is in them: what is made twice is the same, and a later round under another
    key or profile adds to the table instead of replacing it.
    """
    named = f"{job.metadata.uid}/{profile.hash}/{key_id}/{tasks.sha256}"
    rows = _rows(job, tasks, profile, key_id, make)
    return mapping_secrets(rows, namespace=job.metadata.namespace, job_uid=named, runner_namespace=runner_namespace)


def _rows(job: TransferJob, tasks: TaskList, profile: Profile, key_id: str, make: Maker | None) -> set[MappingRow]:
    """One row per patient, under the pseudonym that is made or was brought."""
    meta = job.metadata
    rows: set[MappingRow] = set()
    for position in range(len(tasks)):
        (listed,) = tasks.part(position, position + 1)
        task = with_pseudonym(listed, make)
        issuer, patient_id = task.patient
        if task.pseudonym is not None:
            rows.add(
                MappingRow(
                    namespace=meta.namespace,
                    profile=profile.name,
                    issuer=issuer,
                    patient_id=patient_id,
                    pseudonym=task.pseudonym,
                    key_id=key_id,
                    since=meta.creation_timestamp,
                    first_job=meta.name,
                )
            )
    return rows
