"""Last step of a task: ask the destination what it has now, by name, by number, or trust its answers, and say which."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydicom import Dataset

from adit.api.dicom_server import Verification
from adit.connectors.connector import Connector
from adit.errors import PermanentError, RetryableError
from adit.query import Level, Query
from adit.transfer.listing import number, text
from adit.transfer.loss import Loss, loss_by

Method = Literal["Instances", "Counts", "StoreResponses", "None"]

# The reason of a connector whose peer wants the PatientID as well (patient root only).
QUERY_INCOMPLETE = "QueryIncomplete"
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0


@dataclass(frozen=True, slots=True)
class WantedSeries:
    """A series as it left (`new_uid`), and its SOP UIDs as they left → the original ones."""

    original_uid: str
    new_uid: str
    instances: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the destination should have; `stored` are the originals it took now, the only ones worth waiting for.

    `pseudonymized`: `patient_id` is a pseudonym, and what answers under another PatientID is another's.
    """

    patient_id: str
    study_instance_uid: str
    series: tuple[WantedSeries, ...]
    stored: frozenset[str]
    pseudonymized: bool = False

    def is_of_another(self, answer: Dataset) -> bool:
        """Whether an answer names a patient who is not the pseudonym; the UIDs alone do not tell two of them apart."""
        return self.pseudonymized and text(answer, "PatientID") not in {"", self.patient_id}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to ask again, by whose clock (seconds); `stop` ends the waiting."""

    settle_seconds: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    stop: Callable[[], bool]


def surplus(verified: "Verified", expected: Mapping[str, str]) -> int:
    """How many instances the destination counts beyond those expected (SOP UID → series), over all series.

    They are others', and may stand for ours: no number can tell.
    """
    ours = Counter(expected.values())
    return sum(max(0, count - ours[series]) for series, count in (verified.counts or {}).items())


@dataclass(frozen=True, slots=True)
class Verified:
    """The answer in original UIDs: `instances` that are there, or `counts` per series, as the method gives.

    Neither with StoreResponses and None. `failure` is why the destination could not be asked, where it could not.
    `of_others` is how many of its answers (instances, or series) carry another PatientID than the pseudonym.
    """

    method: Method
    instances: frozenset[str] | None = None
    counts: Mapping[str, int] | None = None
    failure: Loss | None = None
    of_others: int = 0


class _CannotAskError(Exception):
    """The destination does not answer this kind of question."""

    def __init__(self, refusal: PermanentError | None = None) -> None:
        super().__init__()
        self.loss = Loss(
            "Verify",
            "VerificationRefused",
            refusal.message if refusal else "the destination does not answer how many instances it has",
        )


def verify(destination: Connector, wanted: Wanted, verification: Verification, patience: Patience) -> Verified:
    """Prove what is there, by the method asked for; Auto takes the strongest that the destination answers."""
    match verification.method:
        case "None" | "StoreResponses" as method:
            return Verified(method)
        case "Instances":
            ask, refused = _by_name, Verified("Instances", instances=frozenset())
        case "Counts":
            ask, refused = _by_number, Verified("Counts", counts={})
        case "Auto":
            return _strongest(destination, wanted, patience)
    try:
        return ask(destination, wanted, patience)
    except _CannotAskError as error:
        return replace(refused, failure=error.loss)


def _strongest(destination: Connector, wanted: Wanted, patience: Patience) -> Verified:
    try:
        named = _by_name(destination, wanted, patience)
    except _CannotAskError:
        named = None
    # Nothing named and nothing wrong: it has nothing, or it cannot search at image level. Its numbers tell.
    if named is not None and (named.instances or named.failure or not wanted.stored):
        return named
    try:
        numbered = _by_number(destination, wanted, patience)
    except _CannotAskError:
        return named or Verified("StoreResponses")
    if named is not None and not any((numbered.counts or {}).values()):
        return named
    return numbered


def _by_name(destination: Connector, wanted: Wanted, patience: Patience) -> Verified:
    """Image-level answers, asked again for the series that are not complete until the time is over."""
    found: set[str] = set()
    of_others: set[str] = set()

    def ask(series: WantedSeries) -> bool:
        for answer in _answers(destination, Level.IMAGE, wanted, series):
            original = series.instances.get(text(answer, "SOPInstanceUID"))
            if original is not None:
                found.add(original)
                (of_others.add if wanted.is_of_another(answer) else of_others.discard)(original)
        return all(original in found for original in series.instances.values() if original in wanted.stored)

    failure = _until_settled(wanted.series, ask, patience)
    return Verified("Instances", instances=frozenset(found), failure=failure, of_others=len(of_others))


def _by_number(destination: Connector, wanted: Wanted, patience: Patience) -> Verified:
    """NumberOfSeriesRelatedInstances of every series, asked again until it is large enough or the time is over."""
    counts: dict[str, int] = {}
    of_others: set[str] = set()

    def ask(series: WantedSeries) -> bool:
        counts[series.original_uid] = 0
        for answer in _answers(destination, Level.SERIES, wanted, series):
            if text(answer, "SeriesInstanceUID") == series.new_uid:
                there = number(answer)
                if there < 0:
                    raise _CannotAskError
                counts[series.original_uid] = there
                (of_others.add if wanted.is_of_another(answer) else of_others.discard)(series.original_uid)
        stored = sum(original in wanted.stored for original in series.instances.values())
        return counts[series.original_uid] >= stored

    failure = _until_settled(wanted.series, ask, patience)
    return Verified("Counts", counts=counts, failure=failure, of_others=len(of_others))


def _answers(destination: Connector, level: Level, wanted: Wanted, series: WantedSeries) -> Iterator[Dataset]:
    """Ask by UIDs alone, for a PACS may give the patient its own ID; with it only where the peer insists."""
    query = Query(level, study_instance_uid=wanted.study_instance_uid, series_instance_uid=series.new_uid)
    try:
        yield from destination.find(query)
    except PermanentError as refusal:
        if refusal.reason != QUERY_INCOMPLETE or not wanted.patient_id:
            raise
        yield from destination.find(replace(query, patient_id=wanted.patient_id))


def _until_settled(
    series: tuple[WantedSeries, ...], ask: Callable[[WantedSeries], bool], patience: Patience
) -> Loss | None:
    """Ask about each series until all are settled or the time is over; the failure that remained, if one did."""
    deadline = patience.clock() + patience.settle_seconds
    pause = FIRST_PAUSE
    while True:
        failure: Loss | None = None
        try:
            series = tuple(one for one in series if not ask(one))
        except RetryableError as error:
            failure = loss_by("Verify", error)
        except PermanentError as refusal:
            raise _CannotAskError(refusal) from refusal
        left = deadline - patience.clock()
        if not series or left <= 0 or patience.stop():
            return failure
        patience.sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE)
