"""Several associations at once, a process for each: threads would share one processor and be slower than one."""

import multiprocessing
import signal
import threading
import time
from collections.abc import Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final

from adit.errors import AditError, BadInput, PermanentError, RetryableError
from adit_cli.data_path.caller import Caller
from adit_cli.data_path.ending import interrupt
from adit_cli.data_path.files import DicomFile
from adit_cli.data_path.outcome import Outcome
from adit_cli.data_path.sending import sent

TELL_SECONDS: Final = 0.1
END_SECONDS: Final = 5.0


def sent_by_several(caller: Caller, parts: Sequence[Sequence[DicomFile]]) -> Generator[Outcome, None, None]:
    """Send each part in a process of its own; outcomes come as they happen.

    Raises the first error that ended a process, when all have ended. Left early, it tells them to abort and waits.
    """
    # A copy of this process is there at once; where threads run, their locks would be copied as well.
    alone = threading.active_count() == 1
    context = multiprocessing.get_context("fork") if alone else multiprocessing.get_context("spawn")
    processes, inlets = list[BaseProcess](), list[Connection]()
    failures = list[AditError]()
    try:
        for part in parts:
            inlet, outlet = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(outlet, caller, part), daemon=True)
            process.start()
            outlet.close()
            processes.append(process)
            inlets.append(inlet)
        while inlets:
            for ready in wait(inlets):
                assert isinstance(ready, Connection)
                outcomes, failure, last = _told(ready)
                yield from outcomes
                failures += [failure] if failure is not None else []
                if last:
                    inlets.remove(ready)
    finally:
        _ended(processes)
    if failures:
        raise failures[0]


def _told(inlet: Connection) -> tuple[list[Outcome], AditError | None, bool]:
    try:
        outcomes, failure, last = inlet.recv()
    except EOFError:
        return [], RetryableError("a process that sent files ended without a word"), True
    if failure is None:
        return outcomes, None, last
    kind, message, reason = failure
    return outcomes, kind(message, reason=reason), last


def _told_of(error: AditError) -> tuple[type[AditError], str, str]:
    """What makes an error like it in another process: those of the peer are built from other things than words."""
    kind = next((kind for kind in (BadInput, PermanentError) if isinstance(error, kind)), RetryableError)
    return kind, error.message, error.reason


def _work(outlet: Connection, caller: Caller, files: Sequence[DicomFile]) -> None:
    """What each process does; an interruption aborts its association on the way out."""
    signal.signal(signal.SIGTERM, interrupt)
    told, kept = time.monotonic(), list[Outcome]()
    failure: tuple[type[AditError], str, str] | None = None
    try:
        for outcome in sent(caller, files):
            kept.append(outcome)
            if time.monotonic() - told > TELL_SECONDS:
                outlet.send((kept, None, False))
                kept, told = [], time.monotonic()
    except AditError as error:
        failure = _told_of(error)
    except KeyboardInterrupt:
        failure = _told_of(RetryableError("interrupted"))
    outlet.send((kept, failure, True))


def _ended(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        if process.is_alive():
            process.terminate()
    give_up = time.monotonic() + END_SECONDS
    for process in processes:
        process.join(max(0.0, give_up - time.monotonic()))
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
