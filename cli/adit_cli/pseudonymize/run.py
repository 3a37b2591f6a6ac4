"""The run: finds files, shares them among worker processes, and adds up what became of them."""

import os
import shutil
import socket
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from adit.errors import BadInput, PermanentError
from adit_cli.data_path.files import DicomFile, found
from adit_cli.data_path.outcome import State
from adit_cli.pseudonymize.order import Deeds, Done, Item, Order, Source, Staged
from adit_cli.pseudonymize.publishing import Publisher
from adit_cli.pseudonymize.worker import Worker, begin, work

BATCH = 32
AHEAD = 3
SCRATCH_PREFIX = ".adit-pseudonymize-"


@dataclass(slots=True)
class Found:
    """What lies in the input: files to be read, others that are no DICOM, and what cannot be read, with its words."""

    sources: list[Source] = field(default_factory=list)
    foreign: int = 0
    unreadable: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What became of the files so far."""

    items: list[Item] = field(default_factory=list)
    deeds: Deeds = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    def add(self, item: Item) -> None:
        self.items.append(item)
        self.states[item.state] += 1
        self.bytes += item.bytes


def look(path: Path) -> Found:
    """Every file that is named, or lies in or below the folder. Raises BadInput where there is nothing."""
    if not path.exists():
        raise BadInput(f"{path} does not exist")
    result = Found()
    for one in found([path]):
        if isinstance(one, DicomFile):
            number = len(result.sources) + 1
            data_set = one.data_set
            result.sources.append(
                Source(number, one.path.absolute(), data_set.start, data_set.length, one.transfer_syntax_uid)
            )
        elif one.state is State.SKIPPED:
            result.foreign += 1
        else:
            result.unreadable.append(f"{one.name}: {one.words}")
    return result


def require_target(source: Path, target: Path, *, force: bool) -> None:
    """Raise BadInput where the output would lie in the input, or on something that is there."""
    here, there = source.resolve(), target.resolve()
    if there == here or here in there.parents or (source.is_dir() and there in here.parents):
        raise BadInput(f"{target}: output and input may not lie in each other")
    if target.exists() and not target.is_dir():
        raise BadInput(f"{target} is no folder")
    if not force and target.is_dir() and any(target.iterdir()):
        raise BadInput(f"{target} is not empty: name another folder, or --force to add to it and replace what is there")


@contextmanager
def scratch_in(target: Path, *, dry_run: bool) -> Iterator[Path]:
    """A folder for what is on its way, on the disk of the output; gone in the end, whatever the end is."""
    if not dry_run:
        target.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
    folder = Path(tempfile.mkdtemp(prefix=f"{_prefix()}{os.getpid()}-", dir=None if dry_run else target))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prefix() -> str:
    return f"{SCRATCH_PREFIX}{socket.gethostname()}-"


def _remove_leftovers(target: Path) -> None:
    """Remove the scratch folders of runs of this machine that were killed."""
    for path in target.glob(f"{_prefix()}*"):
        number = path.name.removeprefix(_prefix()).partition("-")[0]
        if number.isdecimal() and not _runs(int(number)):
            shutil.rmtree(path, ignore_errors=True)


def _runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def carry_out(
    order: Order, sources: Sequence[Source], workers: int, publisher: Publisher, progress: Callable[[Tally], None]
) -> Tally:
    """Take every file through, in order; `progress` is told after each batch. Raises PermanentError."""
    tally = Tally()
    batches = list(_batches(sources))
    results = _here(order, batches) if workers == 1 or len(batches) == 1 else _there(order, batches, workers)
    try:
        with closing(results):
            for done in results:
                tally.deeds.update(done.deeds)
                for one in done.results:
                    tally.add(publisher.publish(one) if isinstance(one, Staged) else one)
                    if isinstance(one, Staged) and not order.dry_run:
                        one.file.unlink(missing_ok=True)
                progress(tally)
        publisher.sync()
    except OSError as error:
        raise PermanentError(
            f"the output cannot be written: {error.strerror}; {tally.states['written']} files are there",
            reason="OutputFailed",
        ) from error
    return tally


def _batches(sources: Sequence[Source]) -> Iterator[Sequence[Source]]:
    """Neighbours stay together: files of a folder are mostly of one patient, and what recurs is remembered."""
    for at in range(0, len(sources), BATCH):
        yield sources[at : at + BATCH]


def _here(order: Order, batches: Iterable[Sequence[Source]]) -> Generator[Done, None, None]:
    worker = Worker(order)
    for batch in batches:
        yield worker.done(batch)


def _there(order: Order, batches: Iterable[Sequence[Source]], workers: int) -> Generator[Done, None, None]:
    """In processes, the results in the order of the batches; a few are handed out ahead, so that an end is quick."""
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=begin, initargs=(order, stop))
    waiting, running = iter(batches), deque[Future[Done]]()
    try:
        running.extend(pool.submit(work, batch) for batch in islice(waiting, workers * AHEAD))
        while running:
            yield running.popleft().result()
            running.extend(pool.submit(work, batch) for batch in islice(waiting, 1))
    except BrokenProcessPool as error:
        raise PermanentError("a worker process died: is there enough memory?", reason="WorkerDied") from error
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def usual_workers() -> int:
    """As many as this process may use processors, eight at most."""
    return max(1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
