"""Waiting for instances that a receiver takes in: announced at all of its replicas, then handed out as they arrive."""

import random
import socket
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from adit.errors import AccessDenied, AditError, RetryableError
from adit.transfer.instance import Instance
from adit.transmit.access import ReceiverAccess
from adit.transmit.announcement import MAX_MESSAGE_ID, Announcement
from adit.transmit.line import Address, Line, Received, Unreadable
from adit.transmit.mailbox import MessageIdTaken
from adit.transmit.stoppable import unless_stopped

# Beside it the pipeline holds what it has fetched ahead (transfer/ahead.py): together they are 64 MiB.
BUDGET_BYTES: Final = 8 << 20
TRIES: Final = 20
FIRST_RETRY_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 1.0
RESOLVE_SECONDS: Final = 10.0
WITHDRAW_SECONDS, STOP_SECONDS = 10.0, 0.3
_LOOK_SECONDS: Final = 0.25
# How many of those that were handed out are remembered, so that none is handed out again.
_REMEMBERED: Final = 200_000

Resolve = Callable[[str, int], list[Address]]


class ReceiverUnavailable(RetryableError):
    """No replica of the receiver can be reached; the source was not asked for anything yet.

    Not PeerUnavailable, which would hold the source back, whose answer to a probe says nothing of the receiver.
    """

    default_reason = "ReceiverUnavailable"


@dataclass(frozen=True, slots=True)
class Awaited:
    """What is awaited, as transmit/announcement.py says; without its identities.

    A standing announcement is not awaited here: what arrives is acknowledged before the caller has taken it.
    """

    calling_ae_title: str
    study_instance_uid: str
    sop_instance_uids: frozenset[str] = frozenset()


def addresses_of(host: str, port: int) -> list[Address]:
    """Every address behind a name, that of a headless Service has one per replica; none where it is unknown."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys((str(one[4][0]), port) for one in found))


@contextmanager
def awaited(
    access: ReceiverAccess,
    wanted: Awaited,
    spool: Path,
    *,
    stopped: Callable[[], bool] = lambda: False,
    resolve: Resolve = addresses_of,
) -> Iterator["Waiting"]:
    """Announce at every replica, and listen while the context is open; leaving it withdraws.

    Raises ReceiverUnavailable where no replica is reached, AccessDenied where ours is another key, RetryableError
    (Aborted) where it is stopped meanwhile.
    """
    announcement, lines = _announced(access, wanted, stopped, resolve)
    waiting = Waiting(access, announcement, spool, stopped, resolve)
    try:
        waiting.start(lines)
        yield waiting
    finally:
        waiting.end()


def _announced(
    access: ReceiverAccess, wanted: Awaited, stopped: Callable[[], bool], resolve: Resolve
) -> tuple[Announcement, dict[Address, Line | None]]:
    """The announcement under a Message ID that is free everywhere; None for a replica that cannot be reached."""
    for _ in range(TRIES):
        announcement = Announcement(
            id=uuid.uuid4().hex,  # of each try its own: the withdrawal of the last one may come in late
            message_id=random.randint(1, MAX_MESSAGE_ID),  # noqa: S311 - it has to be free, not secret
            calling_ae_title=wanted.calling_ae_title,
            study_instance_uid=wanted.study_instance_uid,
            sop_instance_uids=wanted.sop_instance_uids,
        )
        lines: dict[Address, Line | None] = {}
        why = "its name is unknown"
        try:
            for address in unless_stopped(partial(resolve, access.host, access.port), stopped):
                try:
                    opening = partial(Line.open, address, access.key, announcement)
                    lines[address] = unless_stopped(opening, stopped, Line.hang_up_and_close)
                except (MessageIdTaken, AccessDenied):
                    raise
                except (OSError, RetryableError) as error:
                    if isinstance(error, RetryableError) and error.reason == "Aborted":
                        raise
                    lines[address], why = None, str(error)
        except MessageIdTaken:
            _withdraw(lines)
            continue
        except BaseException:
            _withdraw(lines)
            raise
        if any(lines.values()):
            return announcement, lines
        raise ReceiverUnavailable(
            f"the receiver cannot be reached at {access.host}:{access.port} ({why}): what the source would send could "
            "not be taken in; look whether it runs"
        )
    raise ReceiverUnavailable("the receiver has no Message ID free: too many C-MOVEs are under way")


def _withdraw(lines: dict[Address, Line | None]) -> None:
    for line in lines.values():
        if line is not None:
            line.withdraw()
            line.close()


class Waiting:
    """What arrives for an announcement, from whichever replica took it in, each instance once.

    At most BUDGET_BYTES (or one instance) wait to be taken with `next`: then the receivers keep the rest.
    """

    def __init__(
        self,
        access: ReceiverAccess,
        announcement: Announcement,
        spool: Path,
        stopped: Callable[[], bool],
        resolve: Resolve,
    ) -> None:
        self.message_id = announcement.message_id
        self._access = access
        self._announcement = announcement
        self._since = time.monotonic()
        self._spool = spool
        self._stopped = stopped
        self._resolve = resolve
        self._changed = threading.Condition()
        self._arrived: deque[Instance] = deque()
        self._bytes = 0
        self._taken = 0
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._unreadable: set[str] = set()
        self._listed: frozenset[Address] = frozenset()
        self._failure: AditError | None = None
        self._ending = False
        self._lines: dict[Address, Line | None] = {}
        self._threads: dict[Address, threading.Thread] = {}
        self._resolver = threading.Thread(target=self._keep_resolving, name="transmit-resolve", daemon=True)

    def next(self, seconds: float) -> Instance | None:
        """The next instance, complete in a file of the spool; None where nothing came within that time.

        Raises what ended the listening, once everything that had arrived is taken.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._arrived:
                if self._failure is not None:
                    raise self._failure
                left = deadline - time.monotonic()
                if left <= 0 or self._stopped():
                    return None
                self._changed.wait(min(left, _LOOK_SECONDS))
            instance = self._arrived.popleft()
            self._bytes -= instance.length
            self._changed.notify_all()
            return instance

    @property
    def heard(self) -> float:
        """When the last bytes of a letter came (monotonic seconds); a large one may be on its way for long."""
        return max((line.heard for line in tuple(self._lines.values()) if line is not None), default=0.0)

    def take_unreadable(self) -> frozenset[str]:
        """SOP Instance UIDs of what a receiver has and cannot read, each told once: they have to be asked for again."""
        with self._changed:
            taken, self._unreadable = frozenset(self._unreadable), set()
            return taken

    # for `awaited` ----------------------------------------------------------------------------------------------------

    def start(self, lines: dict[Address, Line | None]) -> None:
        """Listen to these replicas, and to those that appear later."""
        self._lines.update(lines)
        self._listed = frozenset(lines)
        for address in lines:
            self._listen(address)
        self._resolver.start()

    def end(self) -> None:
        """Withdraw everywhere, and remove what nobody took; a replica that is gone keeps it until its patience ends."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            lines = [one for one in self._lines.values() if one is not None]
        for line in lines:
            line.withdraw()
        patience = STOP_SECONDS if self._stopped() else WITHDRAW_SECONDS
        deadline = time.monotonic() + patience
        self._resolver.join(patience)  # the system's resolver may take its time; it starts nothing any more
        with self._changed:
            threads = tuple(self._threads.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for line in lines:
            line.hang_up()
        for thread in threads:
            thread.join()
        for instance in self._arrived:
            _remove(instance)

    # threads ----------------------------------------------------------------------------------------------------------

    def _listen(self, address: Address) -> None:
        thread = threading.Thread(target=self._keep_listening, args=(address,), name="transmit-listen", daemon=True)
        with self._changed:
            if self._ending or address in self._threads:
                return
            self._lines.setdefault(address, None)
            self._threads[address] = thread
            thread.start()

    def _keep_resolving(self) -> None:
        while not self._pause(RESOLVE_SECONDS):
            if found := self._resolve(self._access.host, self._access.port):
                self._listed = frozenset(found)
            for address in found:
                self._listen(address)

    def _keep_listening(self, address: Address) -> None:
        pause = FIRST_RETRY_SECONDS
        while not self._ending:
            taken = self._taken
            try:
                line = self._connected(address)
                if line is not None:
                    self._take_letters(line)
            except (OSError, RetryableError) as error:
                if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
                    self._fail(_spool_failed(error))
                    return
            except AditError as error:
                self._fail(error)
                return
            finally:
                self._drop(address)
            if self._given_up(address):
                return
            pause = FIRST_RETRY_SECONDS if self._taken != taken else min(2 * pause, RETRY_SECONDS)
            self._pause(pause)

    def _given_up(self, address: Address) -> bool:
        """Whether this replica is gone for good; if it is named again, it is listened to again."""
        with self._changed:
            gone = address not in self._listed and not self._ending
            if gone:
                del self._threads[address], self._lines[address]
            return gone

    def _connected(self, address: Address) -> Line | None:
        line = self._lines[address]
        if line is None:
            try:
                line = self._line(address, self._announcement)
            except MessageIdTaken:  # at a replica that came later; it matches by AE title and UIDs
                line = self._line(address, self._without_message_id())
            with self._changed:
                self._lines[address] = line
                if self._ending and line is not None:
                    line.hang_up()
        return line

    def _line(self, address: Address, announcement: Announcement) -> Line | None:
        try:
            return Line.open(address, self._access.key, announcement, time.monotonic() - self._since)
        except (MessageIdTaken, AccessDenied):
            raise
        except (OSError, RetryableError):
            return None

    def _without_message_id(self) -> Announcement:
        one = self._announcement
        return Announcement(one.id, 0, one.calling_ae_title, one.study_instance_uid, one.sop_instance_uids)

    def _take_letters(self, line: Line) -> None:
        while (received := line.receive(self._spool, self._wait_for_room)) is not None:
            if isinstance(received, Unreadable):
                with self._changed:
                    self._unreadable.add(received.sop_instance_uid)
                continue
            if self._ending:  # nobody takes it any more, so the receiver may keep it
                received.discard()
                continue
            self._take(received)
            line.acknowledge(received)

    def _take(self, received: Received) -> None:
        instance = received.instance
        identity = instance.sop_instance_uid
        with self._changed:
            self._taken += 1
            twice = identity in self._seen
            if not twice:
                self._seen[identity] = None
                self._unreadable.discard(instance.sop_instance_uid)
                if len(self._seen) > _REMEMBERED:
                    self._seen.popitem(last=False)
                self._arrived.append(instance)
                self._bytes += instance.length
                self._changed.notify_all()
        if twice:
            received.path.unlink(missing_ok=True)

    def _wait_for_room(self) -> None:
        with self._changed:
            while self._bytes >= BUDGET_BYTES and not self._ending:
                self._changed.wait(_LOOK_SECONDS)

    def _drop(self, address: Address) -> None:
        with self._changed:
            line, self._lines[address] = self._lines[address], None
        if line is not None:
            line.close()

    def _fail(self, error: AditError) -> None:
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def _pause(self, seconds: float) -> bool:
        """Wait; whether it is time to end."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._ending and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return self._ending


def _remove(instance: Instance) -> None:
    for piece in instance.pieces:
        if not isinstance(piece, bytes):
            piece.path.unlink(missing_ok=True)


def _spool_failed(error: OSError) -> RetryableError:
    return RetryableError(
        f"the spool cannot be used ({error.strerror}): make room for the runner", reason="SpoolFailed"
    )
