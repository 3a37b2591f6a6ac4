"""Transfer tasks: one study (or some of its series) of one patient, and the rules across the tasks of a job."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from adit.api.fields import PatientId, Pseudonym, TaskId, Uid
from adit.api.model import Model

MAX_INLINE_TASKS = 500
MAX_INLINE_BYTES = 200 * 1024


class TransferTask(Model):
    """What to move: a study, or the named series of it; `id` defaults to `t<position>`."""

    id: TaskId | None = None
    """A name for it in records, conditions and retries, unique in the job; never a patient's or an order's number."""
    patient_id: PatientId
    """The PatientID at the source, without wildcards."""
    issuer_of_patient_id: PatientId | None = None
    """Who issued it, where the source has several issuers: of two issuers the same PatientID is two patients."""
    study_instance_uid: Uid
    """The study."""
    series_instance_uids: Annotated[tuple[Uid, ...], Field(max_length=100)] = ()
    """The series of it; all where absent."""
    pseudonym: Pseudonym | None = None
    """What replaces PatientID and PatientName, one per patient; required unless the profile makes pseudonyms."""

    @property
    def patient(self) -> tuple[str, str]:
        """Who it is: issuer and PatientID, as they were written."""
        return (self.issuer_of_patient_id or "", self.patient_id)


# Whether tasks bring their pseudonyms: they must (Given), must not, since the profile makes them (Made) or the data
# stays identified (Needless), or nobody here knows the profile, and the operator will say (Unknown).
PseudonymRule = Literal["Given", "Made", "Needless", "Unknown"]


@dataclass(frozen=True, slots=True)
class TaskProblem:
    """A rule that a task breaks: which task, its field, and the sentence."""

    position: int
    field: str
    message: str

    @property
    def path(self) -> str:
        """The field path, for tasks that stand in the object itself."""
        return f"{inline_place(self.position)}.{self.field}"


# How a task is called by its position in the job's list.
Place = Callable[[int], str]


def inline_place(position: int) -> str:
    """The path of a task that stands in the object itself."""
    return f"tasks[{position}]"


def default_id(position: int) -> str:
    """The id of a task that was given none: its position in the job's whole list."""
    return f"t{position}"


def with_ids(tasks: Sequence[TransferTask]) -> tuple[TransferTask, ...]:
    """The tasks in order, each with an id: the user's, else its position as t<n>."""
    return tuple(
        task if task.id is not None else task.model_copy(update={"id": default_id(position)})
        for position, task in enumerate(tasks)
    )


def inline_bytes(tasks: Sequence[TransferTask]) -> int:
    """The bytes that the tasks take in the object, as compact JSON in UTF-8."""
    listed = [task.manifest() for task in tasks]
    return len(json.dumps(listed, separators=(",", ":"), ensure_ascii=False).encode())


def problems_across(
    tasks: Iterable[TransferTask], *, rule: PseudonymRule, place: Place = inline_place
) -> Iterator[TaskProblem]:
    """The rules that CEL cannot afford across 500 tasks; the same sentences everywhere. No patient's value is said."""
    ids: dict[str, int] = {}
    patient_of_study: dict[str, tuple[int, tuple[str, str]]] = {}
    pseudonyms = _Pseudonyms(place, required=rule == "Given")
    taken: defaultdict[str, _Taken] = defaultdict(_Taken)
    for position, task in enumerate(tasks):
        name = task.id if task.id is not None else default_id(position)
        first = ids.setdefault(name, position)
        if first != position:
            yield TaskProblem(position, "id", f"duplicate of the id of {place(first)}")
        where, patient = patient_of_study.setdefault(task.study_instance_uid, (position, task.patient))
        if patient != task.patient:
            yield TaskProblem(position, "patientId", f"{place(where)} gives the same study another patient")
        yield from taken[task.study_instance_uid].problems(position, task, place)
        needless = _NEEDLESS.get(rule)
        yield from _told(position, task, needless) if needless else pseudonyms.problems(position, task)


class _Taken:
    """What of one study earlier tasks move: which took all of it first, and which took each series first."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._whole: int | None = None
        self._series: dict[str, int] = {}

    def problems(self, position: int, task: TransferTask, place: Place) -> Iterator[TaskProblem]:
        """What is taken already of what this task moves; it is taken from now on."""
        series = task.series_instance_uids
        if len(frozenset(series)) != len(series):
            yield TaskProblem(position, "seriesInstanceUids", "names a series twice")
        earlier = [self._series[uid] for uid in series if uid in self._series] if series else [self._first]
        where = min((one for one in (*earlier, self._whole) if one is not None), default=None)
        if where is not None:
            sentence = f"{place(where)} already moves this study or one of these series"
            yield TaskProblem(position, "studyInstanceUid", sentence)
        for uid in series:
            self._series.setdefault(uid, position)
        self._first = position if self._first is None else self._first
        if not series and self._whole is None:
            self._whole = position


_NEEDLESS: dict[PseudonymRule, str] = {
    "Needless": "has no effect on an identified transfer: remove it, or give a profile instead",
    "Made": "is made by the profile (pseudonymSource Derived or Random): remove it",
}


def _told(position: int, task: TransferTask, sentence: str) -> Iterator[TaskProblem]:
    if task.pseudonym is not None:
        yield TaskProblem(position, "pseudonym", sentence)


class _Pseudonyms:
    """One pseudonym per patient, and one patient per pseudonym."""

    def __init__(self, place: Place, *, required: bool) -> None:
        self._place, self._required = place, required
        self._of_patient: dict[tuple[str, str], tuple[int, str]] = {}
        self._patient_of: dict[str, tuple[int, tuple[str, str]]] = {}

    def problems(self, position: int, task: TransferTask) -> Iterator[TaskProblem]:
        if task.pseudonym is None:
            if self._required:
                yield TaskProblem(position, "pseudonym", "is required, because the job pseudonymizes")
            return
        where, pseudonym = self._of_patient.setdefault(task.patient, (position, task.pseudonym))
        if pseudonym != task.pseudonym:
            yield TaskProblem(position, "pseudonym", f"{self._place(where)} gives the same patient another pseudonym")
        where, patient = self._patient_of.setdefault(task.pseudonym, (position, task.patient))
        if patient != task.patient:
            yield TaskProblem(position, "pseudonym", f"{self._place(where)} gives this pseudonym to another patient")
