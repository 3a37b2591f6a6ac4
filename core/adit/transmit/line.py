"""One connection from whoever waits to one receiver: letters come in and become durable, then they are acknowledged.

One thread reads; another one makes durable what was read, acknowledges it, and gives signs of life.
"""

import json
import math
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from adit.dimse.errors import ConnectionLost, ProtocolViolation
from adit.dimse.wire import Wire
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.part10 import is_uid
from adit.transmit.announcement import Announcement
from adit.transmit.frames import (
    HANDSHAKE_SECONDS,
    MAX_AGE,
    MAX_LETTER,
    PING_SECONDS,
    SILENCE_SECONDS,
    UIDS_PER_FRAME,
    Header,
    Kind,
    encode,
    number,
    read,
    read_checksum,
    text,
)
from adit.transmit.handshake import enter
from adit.transmit.mailbox import MessageIdTaken

CONNECT_SECONDS: Final = 3.0
BATCH_SECONDS: Final = 0.1
BATCH_LETTERS: Final = 16
# Received and not yet durable; each holds a descriptor, and the receiver waits with the next one.
WINDOW_LETTERS: Final = 64

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Received:
    """A letter that lies complete in a file of ours; `descriptor` is still open, so that it can be made durable."""

    name: str
    instance: Instance
    path: Path
    descriptor: int

    def discard(self) -> None:
        """Remove it; it was not acknowledged, so that the receiver still has it."""
        os.close(self.descriptor)
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The receiver has this instance and cannot read it; it must be asked for again."""

    sop_instance_uid: str


class Line:
    """An announced connection. Used by one thread, except `hang_up`; the thread that acknowledges is its own."""

    def __init__(self, connection: socket.socket, wire: Wire) -> None:
        self.heard = 0.0
        """When the last bytes of a letter came (monotonic seconds)."""
        self._wire = wire
        self._out = connection.dup()
        self._out.settimeout(SILENCE_SECONDS)
        self._said = threading.Lock()
        self._changed = threading.Condition()
        self._unacknowledged: list[Received] = []
        self._ending = self._ended = False
        self._spool_error: OSError | None = None
        self._acknowledger = threading.Thread(target=self._acknowledge, name="transmit-acknowledge", daemon=True)

    @classmethod
    def open(cls, address: Address, key: bytes, announcement: Announcement, age_seconds: float = 0.0) -> "Line":
        """Connect, prove, announce. Raises OSError, ConnectionLost, PeerSilent, OtherKey, MessageIdTaken."""
        connection = socket.create_connection(address, CONNECT_SECONDS)
        wire = Wire(connection, HANDSHAKE_SECONDS)
        try:
            enter(wire, key)
            _announce(wire, announcement, age_seconds)
            wire.within(SILENCE_SECONDS)
            line = cls(connection, wire)
        except BaseException:
            wire.close()
            raise
        line._acknowledger.start()
        return line

    def receive(self, spool: Path, wait_for_room: Callable[[], None]) -> Received | Unreadable | None:
        """The next letter, None once the receiver has taken our withdrawal in.

        Raises ConnectionLost, PeerSilent, ProtocolViolation, and OSError where our spool fails.
        """
        while True:
            wait_for_room()
            try:
                kind, header = read(self._wire)
            except ConnectionLost:
                if self._spool_error is not None:
                    raise self._spool_error from None
                raise
            if kind is Kind.LETTER:
                return self._letter(header, spool)
            if kind is Kind.UNREADABLE:
                return Unreadable(text(header, "sopInstance"))
            if kind is Kind.WITHDRAWN:
                return None
            if kind is not Kind.PING:
                raise ProtocolViolation(f"{kind.name} where a letter is due")

    def acknowledge(self, received: Received) -> None:
        """Let it be made durable and acknowledged, soon; waits while too many are on their way there."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._unacknowledged) < WINDOW_LETTERS or self._ending or self._ended)
            self._unacknowledged.append(received)
            self._changed.notify_all()

    def withdraw(self) -> None:
        """Acknowledge what is left, and say that nothing more is awaited; `receive` ends once the receiver knows.

        From any thread.
        """
        self.settle()
        with suppress(OSError):  # it is gone, and its patience will end
            self._say(encode(Kind.WITHDRAW))

    def settle(self) -> None:
        """Make durable and acknowledge what has been taken; nothing is acknowledged after it. From any thread."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._acknowledger.join()

    def hang_up(self) -> None:
        """End it from any thread, in the middle of whatever it does."""
        self._wire.hang_up()

    def hang_up_and_close(self) -> None:
        """Both, for a line that nobody reads."""
        self.hang_up()
        self.close()

    def close(self) -> None:
        """Let go of everything; what is not acknowledged stays with the receiver."""
        self.settle()
        with self._changed:
            left, self._unacknowledged = self._unacknowledged, []
        _close(left)
        self._wire.close()
        self._out.close()

    # inside -----------------------------------------------------------------------------------------------------------

    def _letter(self, header: Header, spool: Path) -> Received | Unreadable:
        name, left = text(header, "name"), number(header, "length", MAX_LETTER)
        uids = [text(header, field) for field in ("sopClass", "sopInstance", "transferSyntax")]
        self._wire.begin()
        if not all(is_uid(one) for one in uids):
            return self._passed_by(uids[1], left)
        # The file's name is ours: nothing from the wire becomes a path.
        descriptor, path = mkstemp(dir=spool, prefix="received-", suffix=".dataset")
        instance = Instance(uids[0], uids[1], uids[2], (FileSlice(Path(path), 0, left),))
        try:
            checksum = 0
            while left:
                part = self._wire.some(left)
                self.heard = time.monotonic()
                left -= len(part)
                checksum = zlib.crc32(part, checksum)
                while part:
                    part = part[os.write(descriptor, part) :]
            _prove(checksum, read_checksum(self._wire))
        except BaseException:
            os.close(descriptor)
            Path(path).unlink(missing_ok=True)
            raise
        return Received(name, instance, Path(path), descriptor)

    def _passed_by(self, sop_instance_uid: str, left: int) -> Unreadable:
        """Of a letter that can be nothing of ours: those behind it must not wait for it."""
        while left:
            left -= len(self._wire.some(left))
        read_checksum(self._wire)
        return Unreadable(sop_instance_uid)

    def _say(self, frame: bytes) -> None:
        with self._said:
            self._out.sendall(frame)

    def _acknowledge(self) -> None:
        spoken = time.monotonic()
        while True:
            batch, ending = self._next_batch()
            try:
                _make_durable(batch)
            except OSError as error:
                self._spool_error = error
                self._give_up(batch)
                return
            try:
                if batch:
                    self._say(encode(Kind.ACK, {"names": [one.name for one in batch]}))
                    spoken = time.monotonic()
                elif time.monotonic() - spoken > PING_SECONDS / 2:
                    self._say(encode(Kind.PING))
                    spoken = time.monotonic()
            except OSError:  # not acknowledged, so the receiver keeps them and sends them again
                self._give_up(batch)
                return
            _close(batch)
            if ending and not batch:
                return

    def _next_batch(self) -> tuple[list[Received], bool]:
        """What is to be made durable together, and whether the end is near."""
        with self._changed:
            self._changed.wait_for(lambda: self._unacknowledged or self._ending, PING_SECONDS / 2)
            if self._unacknowledged:
                self._changed.wait_for(
                    lambda: len(self._unacknowledged) >= BATCH_LETTERS or self._ending, BATCH_SECONDS
                )
            batch, self._unacknowledged = self._unacknowledged, []
            self._changed.notify_all()
            return batch, self._ending

    def _give_up(self, batch: Sequence[Received]) -> None:
        _close(batch)
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._wire.hang_up()


def _prove(checksum: int, told: int) -> None:
    if checksum != told:  # connected anew, it comes again
        raise ProtocolViolation("an instance arrived otherwise than the receiver sent it")


def _make_durable(batch: Sequence[Received]) -> None:
    """Contents, then names; not of what has gone on already, and whose file was removed."""
    folders: set[Path] = set()
    for one in batch:
        if os.fstat(one.descriptor).st_nlink:
            os.fdatasync(one.descriptor)
            folders.add(one.path.parent)
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _close(batch: Sequence[Received]) -> None:
    for one in batch:
        os.close(one.descriptor)


def _announce(wire: Wire, announcement: Announcement, age_seconds: float) -> None:
    uids = sorted(announcement.sop_instance_uids)
    header = {
        "id": announcement.id,
        "messageId": announcement.message_id,
        "callingAeTitle": announcement.calling_ae_title,
        "study": announcement.study_instance_uid,
        "standing": announcement.standing,
        "age": min(math.ceil(age_seconds), MAX_AGE),
        "uids": len(uids),
    }
    frames = [encode(Kind.ANNOUNCE, header)]
    frames += [
        encode(Kind.UIDS, {"uids": uids[start : start + UIDS_PER_FRAME]})
        for start in range(0, len(uids), UIDS_PER_FRAME)
    ]
    for frame in frames:
        wire.send([frame])
    kind, answer = read(wire)
    if kind is Kind.ANNOUNCED:
        return
    if kind is Kind.REFUSED and answer.get("reason") == MessageIdTaken.default_reason:
        raise MessageIdTaken("another announcement has this Message ID")
    raise ConnectionLost(f"the receiver answers our announcement with {kind.name} {json.dumps(answer)[:200]}")
