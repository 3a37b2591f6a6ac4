"""The run: finds files, shares them among worker processes, and adds up what became of them."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from adit.errors import BadInput, PermanentError
from adit_cli.data_path.files import DicomFile, found
from adit_cli.data_path.outcome import State
from adit_cli.pseudonymize.order import Deeds, Done, Item, Order, Source
from adit_cli.pseudonymize.worker import Worker, begin, work

BATCH = 32
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
    patients: dict[str, str] = field(default_factory=dict, repr=False)
    states: Counter[str] = field(default_factory=Counter)
    bytes: int = 0

    def add(self, done: Done) -> None:
        """Raises PermanentError where two patients have got one pseudonym."""
        self.items.extend(done.items)
        self.deeds.update(done.deeds)
        for item in done.items:
            self.states[item.state] += 1
            self.bytes += item.bytes
        for who, pseudonym in done.patients.items():
            self.patients[who] = pseudonym
        taken = Counter(self.patients.values())
        if shared := next((name for name, count in taken.items() if count > 1), None):
            raise PermanentError(
                f"two patients have the pseudonym {shared}: remove what was written of it, and give a list "
                "(--pseudonyms)",
                reason="PseudonymCollision",
            )


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
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=None if dry_run else target))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def carry_out(order: Order, sources: Sequence[Source], workers: int, progress: Callable[[Tally], None]) -> Tally:
    """Take every file through; `progress` is told after each batch. Raises PermanentError where a worker dies."""
    tally = Tally()
    batches = list(_batches(sources))
    results = _here(order, batches) if workers == 1 or len(batches) == 1 else _there(order, batches, workers)
    for done in results:
        tally.add(done)
        progress(tally)
    tally.items.sort(key=lambda item: item.number)
    return tally


def _batches(sources: Sequence[Source]) -> Iterator[Sequence[Source]]:
    """Neighbours stay together: files of a folder are mostly of one patient, and what recurs is remembered."""
    for at in range(0, len(sources), BATCH):
        yield sources[at : at + BATCH]


def _here(order: Order, batches: Iterable[Sequence[Source]]) -> Iterator[Done]:
    worker = Worker(order)
    return (worker.done(batch) for batch in batches)


def _there(order: Order, batches: Iterable[Sequence[Source]], workers: int) -> Iterator[Done]:
    """In processes; not more batches are handed out than are worked on, so that an end is quick."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=begin, initargs=(order,))
    try:
        waiting = iter(batches)
        running: set[Future[Done]] = set()
        for _ in range(workers * 2):
            running |= _submitted(pool, waiting)
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for one in ended:
                yield one.result()
                running |= _submitted(pool, waiting)
    except BrokenProcessPool as error:
        raise PermanentError("a worker process died: is there enough memory?", reason="WorkerDied") from error
    finally:
        for process in list((pool._processes or {}).values()):  # noqa: SLF001 - it has no way to end what is running
            if process.is_alive():
                process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, waiting: Iterator[Sequence[Source]]) -> set[Future[Done]]:
    batch = next(waiting, None)
    return set() if batch is None else {pool.submit(work, batch)}


def usual_workers() -> int:
    """As many as this process may use processors, eight at most."""
    return max(1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
