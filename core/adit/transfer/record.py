"""What a TaskSet keeps of its finished tasks: one line of counts per task, and every exception by name.

JSON lines, gzip, base64, at most 200 KiB per set; where the names do not fit they collapse to lines per series with a
count. It is the truth a resumed runner adds up from, and what the CLI prints.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from adit.api.counts import Count, InstanceCounts
from adit.api.fields import TaskId
from adit.api.model import Model
from adit.errors import BadInput

LIMIT = 204_800
# A record of a hundred tasks with every name in it; more is no record of ours.
MAX_INFLATED = 256 << 20
MAX_MESSAGE = 300

Kind = Literal["Lost", "Warning", "Note"]
Stage = Literal["List", "Policy", "Fetch", "Rewrite", "Store", "Verify"]


class Entry(Model):
    """One exception. Lost: expected, but not proved to be at the destination. Warning: a person should look. Note.

    `instance` is the original SOP Instance UID; empty on a line that stands for `count` instances of a series.
    """

    task: Annotated[str, Field(max_length=63)] = ""
    kind: Kind
    stage: Stage
    reason: Annotated[str, Field(max_length=64)]
    series: Annotated[str, Field(max_length=64)] = ""
    instance: Annotated[str, Field(max_length=64)] = ""
    count: Annotated[int, Field(ge=1)] = 1
    message: Annotated[str, Field(max_length=MAX_MESSAGE)] = ""


class TaskLine(Model):
    """The result of one finished task; `method` is how it was verified, `listing` how the source listed it."""

    id: TaskId
    state: Literal["S", "W", "F"]
    reason: Annotated[str, Field(max_length=64)] = ""
    message: Annotated[str, Field(max_length=MAX_MESSAGE)] = ""
    method: Annotated[str, Field(max_length=16)] = ""
    listing: Annotated[str, Field(max_length=16)] = ""
    instances: InstanceCounts = InstanceCounts()
    bytes: Count = 0


@dataclass(frozen=True, slots=True)
class Record:
    """The finished tasks of a set, in the order they finished, and the exceptions of all of them."""

    tasks: tuple[TaskLine, ...] = ()
    entries: tuple[Entry, ...] = ()

    def with_task(self, line: TaskLine, entries: Iterable[Entry]) -> "Record":
        """The record with one more finished task."""
        return Record((*self.tasks, line), (*self.entries, *entries))

    @property
    def instances(self) -> InstanceCounts:
        """The counts of all finished tasks together."""
        return sum((line.instances for line in self.tasks), InstanceCounts())

    @property
    def bytes(self) -> int:
        """Bytes that all finished tasks moved."""
        return sum(line.bytes for line in self.tasks)


def encode(record: Record, limit: int = LIMIT) -> str:
    """The record as text of at most `limit` characters; it loses names before it loses counts or reasons."""
    for entries in _ever_shorter(record.entries):
        packed = _pack(record.tasks, entries)
        if len(packed) <= limit:
            return packed
    return _pack(tuple(line.model_copy(update={"message": ""}) for line in record.tasks), ())


def decode(packed: str) -> Record:
    """Read what `encode` wrote. Raises BadInput where it cannot be read."""
    if not packed:
        return Record()
    tasks: list[TaskLine] = []
    entries: list[Entry] = []
    try:
        inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        text = inflater.decompress(base64.b64decode(packed, validate=True), MAX_INFLATED)
        if not inflater.eof:
            raise BadInput("the record is cut short or too large", reason="RecordUnreadable")
        for line in text.splitlines():
            value = json.loads(line)
            if "state" in value:
                tasks.append(TaskLine.of(value))
            else:
                entries.append(Entry.of(value))
    except (ValueError, TypeError, zlib.error) as error:
        raise BadInput(f"the record cannot be read: {type(error).__name__}", reason="RecordUnreadable") from error
    return Record(tuple(tasks), tuple(entries))


def collapsed(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """One line per task, series, stage and reason, with the count of what it stands for."""
    return _grouped(entries, keep_series=True)


def limited(record: Record, most: int) -> Record:
    """The record with its names collapsed where it has more than `most` of them, to bound the memory of a runner."""
    return record if len(record.entries) <= most else replace(record, entries=collapsed(record.entries))


def _ever_shorter(entries: Sequence[Entry]) -> Iterable[Sequence[Entry]]:
    yield entries
    by_series = collapsed(entries)
    yield by_series
    yield [entry.model_copy(update={"message": ""}) for entry in by_series]
    yield _grouped(by_series, keep_series=False)


def _grouped(entries: Iterable[Entry], *, keep_series: bool) -> tuple[Entry, ...]:
    groups: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        series = entry.series if keep_series else ""
        key = (entry.task, series, entry.kind, entry.stage, entry.reason)
        first = groups.get(key)
        if first is None:
            groups[key] = entry.model_copy(update={"series": series, "instance": ""})
        else:
            groups[key] = first.model_copy(update={"count": first.count + entry.count})
    return tuple(groups.values())


def _pack(tasks: Iterable[TaskLine], entries: Iterable[Entry]) -> str:
    lines = [model.model_dump_json(by_alias=True, exclude_defaults=True) for model in (*tasks, *entries)]
    # mtime 0: the same record is the same text, so that an unchanged one is no new write.
    return base64.b64encode(gzip.compress("\n".join(lines).encode(), mtime=0)).decode("ascii")
