"""Transfer tasks: one study (or some of its series) of one patient, and the rules across the tasks of a job."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from adit.api.fields import PatientId, Pseudonym, TaskId, Uid
from adit.api.model import Model

MAX_INLINE_TASKS = 500
MAX_INLINE_BYTES = 200 * 1024


class TransferTask(Model):
    """What to move: a study, or the named series of it; `id` defaults to `t<position>`."""

    id: TaskId | None = None
    """A name for it in records and retries, unique in the job."""
    patient_id: PatientId
    """The PatientID at the source, without wildcards."""
    study_instance_uid: Uid
    """The study."""
    series_instance_uids: Annotated[tuple[Uid, ...], Field(max_length=100)] = ()
    """The series of it; all where absent."""
    pseudonym: Pseudonym | None = None
    """What replaces PatientID and PatientName; required where the job pseudonymizes, one per patient."""


@dataclass(frozen=True, slots=True)
class TaskProblem:
    """A rule that a task breaks: the field path below `tasks`, and the sentence."""

    path: str
    message: str


def with_ids(tasks: Sequence[TransferTask]) -> tuple[TransferTask, ...]:
    """The tasks in order, each with an id: the user's, else its position as t<n>."""
    return tuple(
        task if task.id is not None else task.model_copy(update={"id": f"t{position}"})
        for position, task in enumerate(tasks)
    )


def inline_bytes(tasks: Sequence[TransferTask]) -> int:
    """The bytes that the tasks take in the object, as compact JSON in UTF-8."""
    listed = [task.manifest() for task in tasks]
    return len(json.dumps(listed, separators=(",", ":"), ensure_ascii=False).encode())


def problems_across(tasks: Sequence[TransferTask], *, pseudonymized: bool) -> Iterator[TaskProblem]:
    """The rules that CEL cannot afford across 500 tasks; the same sentences everywhere."""
    ids: dict[str, int] = {}
    patient_of_study: dict[str, tuple[int, str]] = {}
    pseudonym_of_patient: dict[str, tuple[int, str | None]] = {}
    patient_of_pseudonym: dict[str, tuple[int, str]] = {}
    taken: dict[str, list[tuple[int, frozenset[str]]]] = {}
    for position, task in enumerate(with_ids(tasks)):
        at = f"tasks[{position}]"
        first = ids.setdefault(str(task.id), position)
        if first != position:
            yield TaskProblem(f"{at}.id", f"duplicate of the id of tasks[{first}]")
        where, patient = patient_of_study.setdefault(task.study_instance_uid, (position, task.patient_id))
        if patient != task.patient_id:
            yield TaskProblem(f"{at}.patientId", f"tasks[{where}] gives the same study another patient")
        yield from _overlaps(at, position, task, taken.setdefault(task.study_instance_uid, []))
        yield from _pseudonym_problems(
            at, position, task, pseudonym_of_patient, patient_of_pseudonym, pseudonymized=pseudonymized
        )


def _overlaps(
    at: str, position: int, task: TransferTask, earlier: list[tuple[int, frozenset[str]]]
) -> Iterator[TaskProblem]:
    series = frozenset(task.series_instance_uids)
    if len(series) != len(task.series_instance_uids):
        yield TaskProblem(f"{at}.seriesInstanceUids", "names a series twice")
    for where, others in earlier:
        if not series or not others or series & others:
            yield TaskProblem(
                f"{at}.studyInstanceUid", f"tasks[{where}] already moves this study or one of these series"
            )
            break
    earlier.append((position, series))


def _pseudonym_problems(
    at: str,
    position: int,
    task: TransferTask,
    pseudonym_of_patient: dict[str, tuple[int, str | None]],
    patient_of_pseudonym: dict[str, tuple[int, str]],
    *,
    pseudonymized: bool,
) -> Iterator[TaskProblem]:
    if not pseudonymized:
        if task.pseudonym is not None:
            yield TaskProblem(
                f"{at}.pseudonym", "has no effect on an identified transfer: remove it, or give a profile instead"
            )
        return
    if task.pseudonym is None:
        yield TaskProblem(f"{at}.pseudonym", "is required, because the job pseudonymizes")
        return
    where, pseudonym = pseudonym_of_patient.setdefault(task.patient_id, (position, task.pseudonym))
    if pseudonym != task.pseudonym:
        yield TaskProblem(f"{at}.pseudonym", f"tasks[{where}] gives the same patient another pseudonym")
    where, patient = patient_of_pseudonym.setdefault(task.pseudonym, (position, task.patient_id))
    if patient != task.patient_id:
        yield TaskProblem(f"{at}.pseudonym", f"tasks[{where}] gives this pseudonym to another patient")
