"""A Connector without a peer: studies in memory, and the misbehaviours of real peers as switches.

For tests of whatever drives connectors; DICOM itself is tested against the loopback PACS and real servers.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Self

from pydicom import Dataset

from adit.errors import AditError, PermanentError, RetryableError
from adit.query import Level, Query, Selection
from adit.testing.elements import EXPLICIT_LITTLE, encode_elements
from adit.transfer.header import header_of
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


@dataclass(frozen=True, slots=True)
class FakeInstance:
    """One SOP instance of a fake peer."""

    patient_id: str
    study: str
    series: str
    uid: str
    modality: str = "CT"
    data: bytes = field(default=b"", repr=False)

    @property
    def encoded(self) -> bytes:
        """The data set: explicit VR little endian, the elements that identify it, and eight bytes of pixels."""
        return self.data or encode_elements(
            (
                (0x00080016, "UI", CT_IMAGE.encode()),
                (0x00080018, "UI", self.uid.encode()),
                (0x00080060, "CS", self.modality.encode()),
                (0x00100020, "LO", self.patient_id.encode()),
                (0x0020000D, "UI", self.study.encode()),
                (0x0020000E, "UI", self.series.encode()),
                (0x7FE00010, "OW", b"\x01\x02\x03\x04\x05\x06\x07\x08"),
            ),
            EXPLICIT_LITTLE,
        )


def fake_study(
    instances: int = 10,
    *,
    patient_id: str = "P1",
    study: str = "1.2.3",
    series: int = 1,
    modalities: tuple[str, ...] = ("CT",),
) -> tuple[FakeInstance, ...]:
    """A study of `series` series, `<study>.<n>`, of `instances` each, `<study>.<n>.<m>`; modalities take turns."""
    return tuple(
        FakeInstance(patient_id, study, f"{study}.{n}", f"{study}.{n}.{m}", modalities[(n - 1) % len(modalities)])
        for n in range(1, series + 1)
        for m in range(1, instances + 1)
    )


@dataclass(slots=True)
class FakeFaults:
    """What a fake peer does wrong; may be changed while it is used. Counting starts at one and never again."""

    on_find: AditError | None = None
    on_fetch: AditError | None = None
    on_store: AditError | None = None
    no_image_level: AditError | None = None
    """Raised by every find at IMAGE level."""
    image_level_empty: bool = False
    patient_root_only: bool = False
    """Refuses what is asked without a PatientID."""
    coerced_patient_id: str = ""
    """The PatientID under which it keeps everything that is stored."""
    omit_keys: frozenset[str] = frozenset()
    """Return keys that its answers leave out."""
    withheld: frozenset[str] = frozenset()
    """SOP UIDs that it lists and never sends."""
    withheld_once: frozenset[str] = frozenset()
    """SOP UIDs that it only sends when asked for by name."""
    unlisted: frozenset[str] = frozenset()
    """SOP UIDs that it sends and does not list."""
    sent_twice: frozenset[str] = frozenset()
    sent_besides: tuple[FakeInstance, ...] = ()
    """Instances that it sends with every study, wherever they belong."""
    fetch_ends_after: int | None = None
    """RetryableError after this many instances of each fetch."""
    drop_every_nth: int = 0
    """Answer that every n-th was stored, and forget it."""
    refuse: dict[str, StoreOutcome] = field(default_factory=dict)
    """The answer to the store of these SOP UIDs (as they arrive) instead of storing them."""
    store_ends_after: int | None = None
    """RetryableError when one more than this many are to be stored."""
    settles_after_finds: int = 0
    """Answer nothing that was stored to the first n finds that follow."""


class FakeConnector:
    """Keeps what it is given; notes in `log` what it was asked (`find IMAGE`, `fetch 1.2.3`, `store 1.2.3.1.1`)."""

    def __init__(
        self, name: str = "fake", instances: Iterable[FakeInstance] = (), faults: FakeFaults | None = None
    ) -> None:
        self.name = name
        self.faults = faults or FakeFaults()
        self.held: dict[str, FakeInstance] = {instance.uid: instance for instance in instances}
        self.log: list[str] = []
        # Called as each instance is given away, on the source's thread, and once each is kept, on the destination's.
        self.on_instance: Callable[[], None] = lambda: None
        """Called before each instance that it sends or takes."""
        self.on_stored: Callable[[], None] = lambda: None
        self.most_spooled = 0
        self._hidden: set[str] = set()
        self._stores = 0
        self._aborted = Event()

    def echo(self) -> None:
        """Answer, unless it may not be found."""
        self._raise(self.faults.on_find)

    def find(self, query: Query) -> Iterator[Dataset]:
        """Answer from memory at the level asked for."""
        self.log.append(f"find {query.level}")
        self._raise(self.faults.on_find)
        if self.faults.patient_root_only and not query.patient_id:
            raise PermanentError("patient root needs patient_id", reason="QueryIncomplete")
        if query.level is Level.IMAGE:
            self._raise(self.faults.no_image_level)
            if self.faults.image_level_empty:
                return
        if self.faults.settles_after_finds > 0:
            self.faults.settles_after_finds -= 1
            hidden = set(self._hidden)
        else:
            hidden = set()
        yield from self._answers(query, hidden | self.faults.unlisted)

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        """Write each instance that is selected to the spool and yield it."""
        self.log.append(f"fetch {selection.study_instance_uid}")
        self._raise(self.faults.on_fetch)
        by_name = {uid for _, uids in selection.sop_instance_uids for uid in uids}
        for sent, instance in enumerate(self._sent(selection, by_name)):
            if sent == self.faults.fetch_ends_after:
                raise RetryableError("the peer closed the association", reason="AssociationLost")
            if self._aborted.is_set():
                raise RetryableError("the association was aborted", reason="Aborted")
            path = spool / f"{self.name}-{len(self.log)}-{sent}"
            path.write_bytes(instance.encoded)
            self.most_spooled = max(self.most_spooled, len(list(spool.iterdir())))
            self.on_instance()
            yield Instance(CT_IMAGE, instance.uid, EXPLICIT_LITTLE, (FileSlice(path, 0, len(instance.encoded)),))

    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:  # noqa: ARG002 - a PACS has no folders
        """Keep what comes, as the faults let it."""
        for instance in instances:
            self.on_instance()
            self._raise(self.faults.on_store)
            if self.faults.store_ends_after is not None and self._stores >= self.faults.store_ends_after:
                raise RetryableError("the peer closed the association", reason="AssociationLost")
            self._stores += 1
            uid = instance.sop_instance_uid
            self.log.append(f"store {uid}")
            if uid in self.faults.refuse:
                yield self.faults.refuse[uid]
                continue
            if not self.faults.drop_every_nth or self._stores % self.faults.drop_every_nth:
                self._keep(instance)
            self.on_stored()
            yield StoreOutcome(uid, stored=True)

    def abort(self) -> None:
        """Make the running fetch end with an error."""
        self._aborted.set()

    @property
    def aborted(self) -> bool:
        """Whether somebody tore it down."""
        return self._aborted.is_set()

    def close(self) -> None:
        """Note it."""
        self.log.append("close")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _keep(self, instance: Instance) -> None:
        header = header_of(instance)
        assert header is not None
        uid = instance.sop_instance_uid
        if uid not in self.held:
            self._hidden.add(uid)
        data = b"".join(instance.chunks())
        self.held[uid] = FakeInstance(
            self.faults.coerced_patient_id,
            header.study_instance_uid,
            header.series_instance_uid,
            uid,
            header.modality,
            data,
        )

    def _sent(self, selection: Selection, by_name: set[str]) -> Iterator[FakeInstance]:
        asked = set(selection.series_instance_uids)
        whole = asked - {series for series, _ in selection.sop_instance_uids}
        for instance in list(self.held.values()):
            if instance.study != selection.study_instance_uid or (asked and instance.series not in asked):
                continue
            if by_name and instance.series not in whole and instance.uid not in by_name:
                continue
            held_back = instance.uid in self.faults.withheld_once and instance.uid not in by_name
            if instance.uid in self.faults.withheld or held_back:
                continue
            yield instance
            if instance.uid in self.faults.sent_twice:
                yield instance
        yield from self.faults.sent_besides

    def _answers(self, query: Query, hidden: set[str]) -> Iterator[Dataset]:
        found = [one for one in self.held.values() if one.uid not in hidden and _matches(one, query)]
        seen: set[tuple[str, ...]] = set()
        for one in found:
            key = {
                Level.PATIENT: (one.patient_id,),
                Level.STUDY: (one.patient_id, one.study),
                Level.SERIES: (one.series,),
                Level.IMAGE: (one.uid,),
            }[query.level]
            if key not in seen:
                seen.add(key)
                yield self._answer(query.level, one, found)

    def _answer(self, level: Level, one: FakeInstance, found: list[FakeInstance]) -> Dataset:
        values: dict[str, object] = {"PatientID": one.patient_id, "StudyInstanceUID": one.study}
        if level in {Level.SERIES, Level.IMAGE}:
            values |= {"SeriesInstanceUID": one.series, "Modality": one.modality}
        if level is Level.SERIES:
            values["NumberOfSeriesRelatedInstances"] = sum(other.series == one.series for other in found)
        if level is Level.IMAGE:
            values |= {"SOPInstanceUID": one.uid, "SOPClassUID": CT_IMAGE}
        answer = Dataset()
        for keyword, value in values.items():
            if keyword not in self.faults.omit_keys:
                setattr(answer, keyword, value)
        return answer

    def _raise(self, error: AditError | None) -> None:
        if error is not None:
            raise error


def _matches(one: FakeInstance, query: Query) -> bool:
    keys = (
        # What was stored here has no patient of its own: the fake does not read that far.
        (query.patient_id, one.patient_id or query.patient_id),
        (query.study_instance_uid, one.study),
        (query.series_instance_uid, one.series),
        (query.sop_instance_uid, one.uid),
    )
    return all(wanted in {"", value} for wanted, value in keys)
