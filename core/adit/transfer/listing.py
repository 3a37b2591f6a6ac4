"""First step of a task: what the source says it has of a study, the list that everything is later counted against."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydicom import Dataset

from adit.api.tasks import TransferTask
from adit.connectors.connector import Connector
from adit.errors import AccessDenied, PermanentError
from adit.query import Level, Query

# A study beyond these is refused by name instead of filling the memory of the runner.
MAX_SERIES = 10_000
MAX_INSTANCES = 200_000
MAX_UID = 64

ListingMethod = Literal["Instances", "Counts"]


@dataclass(frozen=True, slots=True)
class ListedSeries:
    """A series at the source and its SOP instances (UID → SOP class, empty where not said).

    `count` is its NumberOfSeriesRelatedInstances; `instances` is None where the source cannot name them, and may be
    fewer than `count` where it names only some.
    """

    series_instance_uid: str
    modality: str
    instances: dict[str, str] | None
    count: int

    @property
    def expected(self) -> int:
        """How many instances the source says it has."""
        return max(self.count, len(self.instances or ()))


@dataclass(frozen=True, slots=True)
class Listing:
    """One study as the source listed it; `patient_id` is the source's, which `patient_id_mismatch` says is another."""

    patient_id: str
    study_instance_uid: str
    series: tuple[ListedSeries, ...]
    missing_series: tuple[str, ...] = ()
    patient_id_mismatch: bool = False

    @property
    def method(self) -> ListingMethod:
        """Counts as soon as one series could not be listed by name."""
        return "Counts" if any(series.instances is None for series in self.series) else "Instances"


def list_study(source: Connector, task: TransferTask, *, pseudonymized: bool = False) -> Listing:
    """Ask the source for the study, its series, and their instances, over one association.

    Raises PermanentError with reason StudyNotFound, StudyAmbiguous, ListingImpossible or, where the study would get a
    patient's pseudonym and the source keeps it under another PatientID, PatientIdMismatch; and whatever `find` raises.
    """
    patient_id, mismatch = _find_patient(source, task)
    if mismatch and pseudonymized:
        raise PermanentError(
            "the source keeps the study under another PatientID: another person's images must not get this pseudonym; "
            "correct patientId, or repair it there first",
            reason="PatientIdMismatch",
        )
    wanted = task.series_instance_uids
    found = _series(source, Query(Level.SERIES, patient_id=patient_id, study_instance_uid=task.study_instance_uid))
    missing = tuple(uid for uid in wanted if uid not in found)
    series = list(_with_instances(source, patient_id, task, [found[uid] for uid in wanted or found if uid in found]))
    if sum(one.count if one.instances is None else len(one.instances) for one in series) > MAX_INSTANCES:
        raise PermanentError(f"the study has more than {MAX_INSTANCES} instances", reason="StudyTooLarge")
    return Listing(patient_id, task.study_instance_uid, tuple(series), missing, mismatch)


def _find_patient(source: Connector, task: TransferTask) -> tuple[str, bool]:
    """The PatientID under which the source keeps the study, and whether it is not the one asked for (ADIT §1.9)."""
    both = Query(Level.STUDY, patient_id=task.patient_id, study_instance_uid=task.study_instance_uid)
    patients = _patients(source.find(both), task)
    if patients:
        found = _only(patients) or task.patient_id
        return found, found != task.patient_id.strip()  # a source may match by the study alone
    patients = _patients(source.find(Query(Level.STUDY, study_instance_uid=task.study_instance_uid)), task)
    if not patients:
        raise PermanentError("the source does not have this study", reason="StudyNotFound")
    return _only(patients), True


def _patients(answers: Iterable[Dataset], task: TransferTask) -> set[str]:
    return {
        text(answer, "PatientID")
        for answer in answers
        if text(answer, "StudyInstanceUID") in {"", task.study_instance_uid}
    }


def _only(patients: set[str]) -> str:
    if len(patients) > 1:
        raise PermanentError(
            "the source has this study under more than one patient: repair it there first", reason="StudyAmbiguous"
        )
    return next(iter(patients))


def _series(source: Connector, query: Query) -> dict[str, ListedSeries]:
    found: dict[str, ListedSeries] = {}
    for answer in source.find(query):
        uid = text(answer, "SeriesInstanceUID")
        if not uid:
            raise PermanentError("the source lists a series without its UID", reason="ListingImpossible")
        found[uid] = ListedSeries(uid, text(answer, "Modality").upper(), None, number(answer))
        if len(found) > MAX_SERIES:
            raise PermanentError(f"the study has more than {MAX_SERIES} series", reason="StudyTooLarge")
    return found


def _with_instances(
    source: Connector, patient_id: str, task: TransferTask, series: Iterable[ListedSeries]
) -> Iterator[ListedSeries]:
    names_instances = True
    total = 0
    for one in series:
        instances: dict[str, str] | None = None
        if names_instances:
            query = Query(
                Level.IMAGE,
                patient_id=patient_id,
                study_instance_uid=task.study_instance_uid,
                series_instance_uid=one.series_instance_uid,
            )
            try:
                instances = _instances(source.find(query), MAX_INSTANCES - total)
            except AccessDenied:
                raise
            except PermanentError as refusal:
                if refusal.reason == "StudyTooLarge":
                    raise
                names_instances = False
        if not instances and one.count < 0:
            raise PermanentError(
                "the source answers neither which instances the series has nor how many: "
                "it needs C-FIND or QIDO at image level, or NumberOfSeriesRelatedInstances",
                reason="ListingImpossible",
            )
        total += len(instances or ())
        # An empty answer about a series that has instances is a source that cannot search at this level.
        listed = instances if instances or one.count == 0 else None
        # Beside names an absurd count is no reason to refuse the study.
        count = max(one.count, 0) if listed is None else min(max(one.count, 0), MAX_INSTANCES)
        yield ListedSeries(one.series_instance_uid, one.modality, listed, count)


def _instances(answers: Iterable[Dataset], limit: int) -> dict[str, str] | None:
    """SOP UID → SOP class; None where an answer has no UID, because then the list cannot be trusted."""
    found: dict[str, str] = {}
    for answer in answers:
        uid = text(answer, "SOPInstanceUID")
        if not uid:
            return None
        found[uid] = text(answer, "SOPClassUID")
        if len(found) > limit:
            raise PermanentError(f"the study has more than {MAX_INSTANCES} instances", reason="StudyTooLarge")
    return found


def text(answer: Dataset, keyword: str) -> str:
    """A value as text, empty where the peer left the key out; cut at 64 characters, the longest that DICOM allows."""
    value = answer.get(keyword)
    return "" if value is None else str(value).strip(" \0")[:MAX_UID]


def number(answer: Dataset, keyword: str = "NumberOfSeriesRelatedInstances") -> int:
    """A count of the peer's, -1 where it gives none that can be read."""
    digits = text(answer, keyword)
    return int(digits) if digits.isdecimal() else -1
