"""What the loopback PACS knows about its files: one record per stored instance, read from the head of each data set."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adit.testing.elements import EXPLICIT_BIG, UnreadableDataSet, inflated, spans
from adit.testing.part10 import FileMeta, is_uid, mapped, read_meta, text_of
from adit.testing.query_keys import INDEXED, NUMBERS, PATIENT_ID, SERIES_UID, SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_UID

MAX_VALUE = 4096  # bytes of one indexed value
_PIXEL_DATA = 0x7FE00008


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """One instance of the PACS; `sequence` counts arrivals, `offset` is where its data set begins in the file."""

    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    path: Path
    sequence: int
    offset: int
    attributes: Mapping[int, bytes] = field(repr=False)
    """Tag → value as stored (numbers in little endian), of the attributes that a C-FIND may ask for."""


def read_instance(path: Path, sequence: int) -> StoredInstance:
    """Read the record of a Part-10 file; raises UnreadableDataSet when it cannot be indexed."""
    meta = read_meta(path)
    attributes = _attributes(path, meta)
    uids = {tag: text_of(attributes.get(tag, b"")) for tag in (STUDY_UID, SERIES_UID, SOP_INSTANCE_UID, SOP_CLASS_UID)}
    for tag, uid in uids.items():
        if not is_uid(uid):
            raise UnreadableDataSet(f"the data set of {path.name} has no valid UID in {tag:08X}")
    return StoredInstance(
        patient_id=text_of(attributes.get(PATIENT_ID, b"")),
        study_instance_uid=uids[STUDY_UID],
        series_instance_uid=uids[SERIES_UID],
        sop_instance_uid=uids[SOP_INSTANCE_UID],
        sop_class_uid=uids[SOP_CLASS_UID],
        transfer_syntax_uid=meta.transfer_syntax_uid,
        path=path,
        sequence=sequence,
        offset=meta.offset,
        attributes=attributes,
    )


def _attributes(path: Path, meta: FileMeta) -> dict[int, bytes]:
    if path.stat().st_size <= meta.offset:
        raise UnreadableDataSet(f"{path.name} has no data set")
    big = meta.transfer_syntax_uid == EXPLICIT_BIG
    found: dict[int, bytes] = {}
    with mapped(path, meta.offset) as encoded:
        data = inflated(encoded, meta.transfer_syntax_uid)
        for span in spans(data, meta.transfer_syntax_uid, before=_PIXEL_DATA):
            if span.tag not in INDEXED or span.undefined or span.length > MAX_VALUE:
                continue
            value = bytes(data[span.start : span.start + span.length])
            found[span.tag] = value[::-1] if big and span.tag in NUMBERS else value
    return found


class Index:
    """The instances by SOP Instance UID; safe to use from every association's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instances: dict[str, StoredInstance] = {}
        self._sequence = 0

    def next_sequence(self) -> int:
        with self._lock:
            self._sequence += 1
            return self._sequence

    def put(self, instance: StoredInstance) -> StoredInstance | None:
        """Add a record; returns the one that it replaces."""
        with self._lock:
            former = self._instances.pop(instance.sop_instance_uid, None)
            self._instances[instance.sop_instance_uid] = instance
            return former

    def clear(self) -> tuple[StoredInstance, ...]:
        """Forget everything; returns what was known."""
        with self._lock:
            known = tuple(self._instances.values())
            self._instances.clear()
            return known

    def instances(self) -> tuple[StoredInstance, ...]:
        """Every instance, in the order of arrival."""
        with self._lock:
            return tuple(self._instances.values())

    def __iter__(self) -> Iterator[StoredInstance]:
        return iter(self.instances())
