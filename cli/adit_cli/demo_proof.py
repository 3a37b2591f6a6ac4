"""The demo's proof: what the source holds against what the destination answers afterwards, by C-FIND only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adit.api.resource import TransferJob
from adit.api.tasks import TransferTask
from adit.connectors.connector import Connector
from adit.query import Level, Query
from adit_cli.plain_table import plain_table


@dataclass(frozen=True, slots=True)
class StudyProof:
    """One study of a job: how many instances had to arrive, and how many the destination has."""

    job: str
    patient: str
    description: str
    modalities: str
    expected: int
    verified: int

    @property
    def missing(self) -> int:
        """Instances that are not at the destination."""
        return max(0, self.expected - self.verified)


@dataclass(frozen=True, slots=True)
class Held:
    """What a server holds of a study."""

    description: str
    modalities: tuple[str, ...]
    instances: frozenset[str]


def held_by(server: Connector, patient: str, study: str, without: frozenset[str] = frozenset()) -> Held:
    """Ask a server at series and image level; series of the modalities in `without` are left out."""
    answer = next(server.find(Query(Level.STUDY, patient_id=patient, study_instance_uid=study)), None)
    uids: set[str] = set()
    modalities: set[str] = set()
    for series in list(server.find(Query(Level.SERIES, patient_id=patient, study_instance_uid=study))):
        if series.Modality in without:
            continue
        modalities.add(str(series.Modality))
        query = Query(
            Level.IMAGE,
            patient_id=patient,
            study_instance_uid=study,
            series_instance_uid=str(series.SeriesInstanceUID),
        )
        uids.update(str(image.SOPInstanceUID) for image in server.find(query))
    description = str(answer.get("StudyDescription", "")) if answer is not None else ""
    return Held(description, tuple(sorted(modalities)), frozenset(uids))


def proof_of(job: TransferJob, source: Connector, destination: Connector, excluded: frozenset[str]) -> list[StudyProof]:
    """The proof of each task. Identified studies must hold the same UIDs, pseudonymized ones as many new ones."""
    pseudonymized = job.spec.pseudonymization.profile is not None
    return [
        _pseudonymized(job, task, source, destination, excluded)
        if pseudonymized
        else _identified(job, task, source, destination)
        for task in job.spec.inline
    ]


def _identified(job: TransferJob, task: TransferTask, source: Connector, destination: Connector) -> StudyProof:
    before = held_by(source, task.patient_id, task.study_instance_uid)
    after = held_by(destination, task.patient_id, task.study_instance_uid)
    arrived = before.instances & after.instances
    return _study(job, task.patient_id, before, len(arrived))


def _pseudonymized(
    job: TransferJob, task: TransferTask, source: Connector, destination: Connector, excluded: frozenset[str]
) -> StudyProof:
    """Find the study under its pseudonym by date and time, which the profile keeps; no original UID may be there."""
    pseudonym = str(task.pseudonym)
    before = held_by(source, task.patient_id, task.study_instance_uid, excluded)
    original = next(source.find(Query(Level.STUDY, study_instance_uid=task.study_instance_uid)))
    when = Query(
        Level.STUDY, patient_id=pseudonym, study_date=str(original.StudyDate), study_time=str(original.StudyTime)
    )
    arrived: set[str] = set()
    for study in list(destination.find(when)):
        arrived |= held_by(destination, pseudonym, str(study.StudyInstanceUID)).instances
    return _study(job, pseudonym, before, 0 if arrived & before.instances else len(arrived))


def _study(job: TransferJob, patient: str, before: Held, verified: int) -> StudyProof:
    return StudyProof(
        job.metadata.name.rpartition("-")[0] or job.metadata.name,  # the example's name, without this run's suffix
        patient,
        before.description,
        ",".join(before.modalities),
        len(before.instances),
        min(verified, len(before.instances)),
    )


def proof_table(proofs: Iterable[StudyProof]) -> str:
    """The studies, one per row."""
    numbers = ("EXPECTED", "VERIFIED", "MISSING")
    rows = (
        (p.job, p.patient, p.description, p.modalities, str(p.expected), str(p.verified), str(p.missing))
        for p in proofs
    )
    return plain_table(("JOB", "PATIENT", "STUDY", "MODALITIES", *numbers), rows, right=frozenset(numbers))


def last_line(proofs: Sequence[StudyProof], stored: int, failed: int) -> str:
    """The line that scripts read."""
    expected, verified = sum(p.expected for p in proofs), sum(p.verified for p in proofs)
    counted = f"{expected} instances expected, {stored} stored, {verified} verified, {failed} failed"
    return f"demo: {len(proofs)} studies, {counted}"


def adds_up(proofs: Sequence[StudyProof], stored: int, failed: int) -> bool:
    """Whether every number is the same and nothing failed; a demo that moved nothing proves nothing."""
    expected = sum(proof.expected for proof in proofs)
    return expected > 0 and failed == 0 and expected == stored == sum(proof.verified for proof in proofs)
