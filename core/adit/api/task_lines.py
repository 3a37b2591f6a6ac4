"""Tasks from Secrets: JSON lines, plain or gzip, read with limits; what is wrong is said by Secret, line and field."""

import codecs
import gzip
import io
import json
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from pydantic import ValidationError

from adit.api.sentences import dotted, problems_of
from adit.api.task_list import TaskList
from adit.api.tasks import PseudonymRule, TransferTask, problems_across
from adit.errors import BadInput

MAX_TASKS_PER_SECRET = 10_000
MAX_TASKS = 100_000
MAX_PACKED_BYTES = 1 << 20
# A task of 100 series takes 7 KiB; unpacked, a list of ordinary tasks takes 2 MiB.
MAX_LINE_BYTES = 16 << 10
MAX_UNPACKED_BYTES = 32 << 20
# Of all Secrets of a job, in memory while its sets are made; a hundred thousand ordinary tasks take 25 MiB.
MAX_JOB_BYTES = 32 << 20
# Empty ones count, too: a list of nothing else would keep us busy for long.
MAX_LINES = 2 * MAX_TASKS_PER_SECRET
MAX_NAMED_PROBLEMS = 5
GZIP_SUFFIX = ".gz"
BOM = codecs.BOM_UTF8  # Windows' programs begin a text with it
FIELDS = frozenset(str(field.alias) for field in TransferTask.model_fields.values())


@dataclass(frozen=True, slots=True)
class TaskSource:
    """One key of a Secret: its content is a list of tasks, gzip where the key ends in .gz."""

    secret: str
    key: str
    content: bytes


class _Problems:
    """What is wrong: the first few sentences, and how many more there are."""

    def __init__(self) -> None:
        self._named: list[str] = []
        self._count = 0

    def add(self, sentence: str) -> None:
        self._count += 1
        if self._count <= MAX_NAMED_PROBLEMS:
            self._named.append(sentence)

    def end(self) -> None:
        """Raise BadInput if there is one."""
        if self._count:
            more = f"; and {self._count - MAX_NAMED_PROBLEMS} more" if self._count > MAX_NAMED_PROBLEMS else ""
            raise BadInput("; ".join(self._named) + more, reason="InvalidTasks")


class _Places:
    """Where each task was written, by its position in the whole list."""

    def __init__(self) -> None:
        self._sources: list[tuple[int, str]] = []
        self._lines = array("L")

    def begin(self, source: TaskSource) -> None:
        self._sources.append((len(self._lines), _named(source)))

    def add(self, line: int) -> None:
        self._lines.append(line)

    def __call__(self, position: int) -> str:
        name = next(name for start, name in reversed(self._sources) if start <= position)
        return f"{name}, line {self._lines[position]}"


def read_task_list(sources: Iterable[TaskSource], *, rule: PseudonymRule) -> TaskList:
    """The tasks of all sources in order, checked one by one and against each other.

    Raises BadInput(InvalidTasks) that names Secret, key, line and field, and never a value or a name from the file.
    """
    places, problems = _Places(), _Problems()
    packed = TaskList.of(_all_tasks(sources, places, problems))
    problems.end()
    if not packed.ids:
        raise BadInput("the Secrets of spec.tasksFrom hold no task", reason="InvalidTasks")
    for one in problems_across(_unpacked(packed), rule=rule, place=places):
        problems.add(f"{places(one.position)}: {one.field}: {one.message}")
    problems.end()
    return packed


def _all_tasks(sources: Iterable[TaskSource], places: _Places, problems: _Problems) -> Iterator[TransferTask]:
    total, left = 0, MAX_JOB_BYTES
    for source in sources:
        places.begin(source)
        for number, size, task in _tasks_of(source, problems):
            total, left = total + 1, left - size
            if left < 0:
                limit = f"more than {MAX_JOB_BYTES >> 20} MiB of tasks"
                raise BadInput(f"{limit}: split the list into several jobs", reason="InvalidTasks")
            if total > MAX_TASKS:
                raise BadInput(f"more than {MAX_TASKS} tasks: split the list into several jobs", reason="InvalidTasks")
            places.add(number)
            yield task


def _tasks_of(source: TaskSource, problems: _Problems) -> Iterator[tuple[int, int, TransferTask]]:
    """The tasks, each after the number of its line and the bytes that it takes."""
    count = 0
    for number, line in enumerate(_lines_of(source), start=1):
        if number > MAX_LINES:
            raise BadInput(f"{_named(source)}: more than {MAX_LINES} lines", reason="InvalidTasks")
        if not line.strip():
            continue
        count += 1
        if count > MAX_TASKS_PER_SECRET:
            raise BadInput(f"{_named(source)}: more than {MAX_TASKS_PER_SECRET} tasks", reason="InvalidTasks")
        try:
            task = TransferTask.model_validate_json(line, strict=True, by_alias=True, by_name=False)
            yield number, len(line), task
        except ValidationError:
            # a line that is refused is always told: one that is left out would be a study that nobody misses
            for sentence in tuple(_sentences(line)) or ("not a task",):
                problems.add(f"{_named(source)}, line {number}: {sentence}")


def _lines_of(source: TaskSource) -> Iterator[bytes]:
    """The lines, none longer than a task may be and all together no more than a list may be, whatever was packed."""
    name, left, begun = _named(source), MAX_UNPACKED_BYTES, False
    if len(source.content) > MAX_PACKED_BYTES:
        raise BadInput(f"{name}: more than {MAX_PACKED_BYTES >> 20} MiB", reason="InvalidTasks")
    with _opened(source) as opened:
        while True:
            try:
                line = opened.readline(MAX_LINE_BYTES + 1)
            except (OSError, EOFError, zlib.error) as error:
                raise BadInput(
                    f"{name}: not gzip, though its key ends in {GZIP_SUFFIX}", reason="InvalidTasks"
                ) from error
            if not line:
                return
            left -= len(line)
            if len(line) > MAX_LINE_BYTES or left < 0:
                limit = "a line longer" if len(line) > MAX_LINE_BYTES else "unpacked more"
                size = MAX_LINE_BYTES if len(line) > MAX_LINE_BYTES else MAX_UNPACKED_BYTES
                raise BadInput(f"{name}: {limit} than {size >> 10} KiB", reason="InvalidTasks")
            yield line.removeprefix(BOM) if not begun else line
            begun = True


def _opened(source: TaskSource) -> IO[bytes]:
    raw = io.BytesIO(source.content)
    return gzip.GzipFile(fileobj=raw) if source.key.endswith(GZIP_SUFFIX) else raw  # type: ignore[return-value]  # an IO in all that is used


def _unpacked(packed: TaskList) -> Iterator[TransferTask]:
    for position in range(len(packed)):
        yield packed.part(position, position + 1)[0]


def _named(source: TaskSource) -> str:
    return f"Secret {source.secret}, key {source.key}"


def _sentences(line: bytes) -> Iterator[str]:
    """What is wrong with one line; a field that we do not know stays unnamed, since it may be anything."""
    try:
        value = json.loads(line.decode("utf-8"))  # of bytes it would guess the encoding
    except (ValueError, RecursionError):
        yield "not JSON (one task per line, in UTF-8)"
        return
    if not isinstance(value, dict):
        yield "not a task: must be a JSON object"
        return
    known = {name: field for name, field in value.items() if name in FIELDS}
    if len(known) < len(value):
        yield f"has an unknown field (known: {', '.join(sorted(FIELDS))})"
    for path, sentence in problems_of(TransferTask, known):
        yield f"{dotted(path)}: {sentence}"
