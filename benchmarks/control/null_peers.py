"""A source that has every study and a sink that keeps nothing: runners do all of their work, but no image moves.

A study is one series of one tiny instance. Every hundredth is missing, so that a job has failures to count as well.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Self

from pydicom import Dataset

from adit.api.tasks import TransferTask
from adit.connectors.connector import Connector
from adit.connectors.target import Target
from adit.query import Level, Query, Selection
from adit.testing.connectors import CT_IMAGE
from adit.testing.elements import EXPLICIT_LITTLE, encode_elements
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement

SOURCE, SINK = "source", "sink"
MISSING_EVERY: Final = 100
_STUDY: Final = "1.2.276.0.7230010.3.1.2.8323329.{}.1700000000.123456"


def tasks(count: int) -> Iterator[TransferTask]:
    """Tasks as people have them: about 120 bytes each, every study of another patient."""
    for number in range(1, count + 1):
        yield TransferTask(patient_id=f"PAT-{number:07}", study_instance_uid=_STUDY.format(number))


def failures(count: int) -> int:
    """How many of the first so many tasks fail."""
    return count // MISSING_EVERY


def null_opener(task_seconds: float = 0.0) -> Callable[[Target], Connector]:
    """Opens null peers by name; each task takes so many seconds."""

    def opened(target: Target) -> Connector:
        return NullPeer(target.name, task_seconds)

    return opened


class NullPeer:
    """Both ends, as a connector."""

    def __init__(self, name: str, task_seconds: float = 0.0) -> None:
        self.name = name
        self._task_seconds = task_seconds

    def echo(self) -> None:
        """Answer."""

    def find(self, query: Query) -> Iterator[Dataset]:
        """One study, series and instance for whatever study is asked for, unless it is missing."""
        number = int(query.study_instance_uid.split(".")[9])
        if number % MISSING_EVERY:
            yield _answer(query, f"PAT-{number:07}")

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        """Take the time of a task, then write the one instance."""
        if self._task_seconds:
            time.sleep(self._task_seconds)
        study = selection.study_instance_uid
        encoded = _encoded(selection.patient_id, study)
        path = spool / "instance"
        path.write_bytes(encoded)
        yield Instance(CT_IMAGE, f"{study}.1.1", EXPLICIT_LITTLE, (FileSlice(path, 0, len(encoded)),))

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:  # noqa: ARG002 - keeps nothing
        """Say that everything was stored."""
        for instance in instances:
            yield StoreOutcome(instance.sop_instance_uid, stored=True)

    def abort(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _answer(query: Query, patient_id: str) -> Dataset:
    study, answer = query.study_instance_uid, Dataset()
    answer.PatientID, answer.StudyInstanceUID = patient_id, study
    if query.level in {Level.SERIES, Level.IMAGE}:
        answer.SeriesInstanceUID, answer.Modality = f"{study}.1", "CT"
        answer.NumberOfSeriesRelatedInstances = 1
    if query.level is Level.IMAGE:
        answer.SOPInstanceUID, answer.SOPClassUID = f"{study}.1.1", CT_IMAGE
    return answer


def _encoded(patient_id: str, study: str) -> bytes:
    return encode_elements(
        (
            (0x00080016, "UI", CT_IMAGE.encode()),
            (0x00080018, "UI", f"{study}.1.1".encode()),
            (0x00080060, "CS", b"CT"),
            (0x00100020, "LO", patient_id.encode()),
            (0x0020000D, "UI", study.encode()),
            (0x0020000E, "UI", f"{study}.1".encode()),
            (0x7FE00010, "OW", bytes(8)),
        ),
        EXPLICIT_LITTLE,
    )
