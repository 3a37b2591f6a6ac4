"""The demo's proof: what the source holds against what the destination answers afterwards, by C-FIND only."""

from collections.abc import Iterable, Mapping, Sequence
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
    if job.spec.pseudonymization.profile is None:
        return [_identified(job, task, source, destination) for task in job.spec.inline]
    listed = [
        (str(task.pseudonym), held_by(source, task.patient_id, task.study_instance_uid, excluded))
        for task in job.spec.inline
    ]
    arrived: dict[int, int] = {}
    for pseudonym in {pseudonym for pseudonym, _ in listed}:
        places = [place for place, (one, _) in enumerate(listed) if one == pseudonym]
        arrived |= _matched({place: listed[place][1] for place in places}, _all_of(destination, pseudonym))
    return [_study(job, pseudonym, before, arrived[place]) for place, (pseudonym, before) in enumerate(listed)]


def _identified(job: TransferJob, task: TransferTask, source: Connector, destination: Connector) -> StudyProof:
    before = held_by(source, task.patient_id, task.study_instance_uid)
    after = held_by(destination, task.patient_id, task.study_instance_uid)
    arrived = before.instances & after.instances
    return _study(job, task.patient_id, before, len(arrived))


def _all_of(server: Connector, patient: str) -> list[Held]:
    """Every study of a patient."""
    studies = [str(study.StudyInstanceUID) for study in server.find(Query(Level.STUDY, patient_id=patient))]
    return [held_by(server, patient, study) for study in studies]


def _matched(before: Mapping[int, Held], after: Sequence[Held]) -> dict[int, int]:
    """How many instances of each study arrived, none where an original one is there too.

    The profile may leave nothing by which a study is known again, so that of those with the same modalities the largest
    is taken for the largest.
    """
    originals = frozenset[str]().union(*(held.instances for held in before.values()))
    if any(held.instances & originals for held in after):
        return dict.fromkeys(before, 0)
    left, counts = sorted(after, key=lambda held: len(held.instances), reverse=True), dict.fromkeys(before, 0)
    for place, held in sorted(before.items(), key=lambda one: len(one[1].instances), reverse=True):
        found = next((one for one in left if one.modalities == held.modalities), None)
        if found is not None:
            left.remove(found)
            counts[place] = len(found.instances)
    return counts


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
