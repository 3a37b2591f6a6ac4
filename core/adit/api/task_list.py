"""A job's tasks in order, packed: each with its id, as canonical JSON, so that a hundred thousand fit into memory."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from adit.api.tasks import TransferTask, default_id


@dataclass(frozen=True, slots=True)
class TaskList:
    """The ordered tasks of a job or of one of its rounds; unpacked only where they are handed on."""

    ids: tuple[str, ...] = ()
    lines: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, tasks: Iterable[TransferTask]) -> Self:
        """Pack tasks; one without an id gets its position as t<n>."""
        ids, lines = [], []
        for position, task in enumerate(tasks):
            name = task.id if task.id is not None else default_id(position)
            document = {**task.manifest(), "id": name}
            ids.append(name)
            lines.append(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())
        return cls(tuple(ids), tuple(lines))

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, start: int, stop: int) -> tuple[TransferTask, ...]:
        """Unpack the tasks from one position to before another."""
        return tuple(TransferTask.model_validate_json(line, by_alias=True) for line in self.lines[start:stop])

    def chosen(self, ids: Collection[str]) -> "TaskList":
        """Only the tasks of these ids, in the same order."""
        pairs = [(name, line) for name, line in zip(self.ids, self.lines, strict=True) if name in ids]
        return TaskList(tuple(name for name, _ in pairs), tuple(line for _, line in pairs))

    @property
    def size(self) -> int:
        """The bytes of all tasks."""
        return sum(map(len, self.lines))

    @property
    def sha256(self) -> str:
        """SHA-256 over the ordered tasks as one canonical JSON list, in hexadecimal."""
        digest = hashlib.sha256(b"[")
        for position, line in enumerate(self.lines):
            digest.update(b"," + line if position else line)
        digest.update(b"]")
        return digest.hexdigest()
