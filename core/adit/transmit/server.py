"""The receiver's side of the file transmit: takes announcements, hands letters out, forgets them once acknowledged.

One connection serves one announcement, in two threads of its own, so that a slow runner slows nobody else.
"""

import re
import socket
import threading
import time
import zlib
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Final, Self

import structlog

from adit.dimse.errors import ConnectionLost, ProtocolViolation
from adit.dimse.wire import Wire
from adit.errors import AditError
from adit.transfer.part10 import is_uid
from adit.transmit.announcement import MAX_MESSAGE_ID, Announcement
from adit.transmit.frames import (
    HANDSHAKE_SECONDS,
    MAX_AGE,
    MAX_UIDS,
    NAMES_PER_ACK,
    PING_SECONDS,
    SILENCE_SECONDS,
    UIDS_PER_FRAME,
    Header,
    Kind,
    encode,
    encode_checksum,
    number,
    read,
    text,
    texts,
)
from adit.transmit.handshake import let_in
from adit.transmit.mailbox import Letter, Mailbox, MessageIdTaken

MAX_CONNECTIONS: Final = 500
# Those that have not proved the key: the oldest gives way, so that they keep no runner out.
MAX_STRANGERS: Final = 64
STRANGERS_LOG_SECONDS: Final = 60.0
CLOSE_SECONDS: Final = 5.0
# A runner that is alive may let us wait as long as its destination lets it; its pings say that it is.
PATIENCE_SECONDS: Final = 86_400.0
_LOOK_SECONDS: Final = 0.5
_ID: Final = re.compile(r"[0-9a-f]{32}")
_NAME: Final = re.compile(r"[0-9a-z-]+")
_SMALL_BYTES: Final = 2 << 20  # up to here it is read once; what is larger once more, by sendfile, and never held


class TransmitServer:
    """Listens at `address` while it is entered; port 0 takes a free one."""

    port: int

    def __init__(self, address: tuple[str, int], mailbox: Mailbox, key: bytes) -> None:
        self._address = address
        self._mailbox = mailbox
        self._key = key
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, Wire] = {}
        self._strangers: dict[threading.Thread, Wire] = {}
        self._told_of_strangers = -STRANGERS_LOG_SECONDS
        self._closing = False

    def __enter__(self) -> Self:
        """Listen. Raises OSError where the address cannot be had."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._listener = socket.create_server(self._address, family=family)
        self._listener.settimeout(_LOOK_SECONDS)
        self.port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, name="transmit-accept", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        with suppress(OSError):  # not everywhere a listener can be shut; then its time-out ends the waiting
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            left = dict(self._open)
        for wire in left.values():
            wire.hang_up()
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in left:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, (peer, *_) = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # no descriptor is free, or the other side was faster
                time.sleep(_LOOK_SECONDS / 5)
                continue
            wire = Wire(connection, HANDSHAKE_SECONDS)
            thread = threading.Thread(target=self._run, args=(connection, wire, peer), name="transmit", daemon=True)
            if not self._enter(thread, wire):
                wire.close()
                continue
            try:
                thread.start()
            except RuntimeError:  # no thread is to be had now; whoever it was comes again
                self._leave(thread)
                wire.close()
                time.sleep(_LOOK_SECONDS / 5)

    def _enter(self, thread: threading.Thread, wire: Wire) -> bool:
        with self._lock:
            if len(self._open) - len(self._strangers) >= MAX_CONNECTIONS:
                return False
            if len(self._strangers) >= MAX_STRANGERS:
                self._strangers.pop(next(iter(self._strangers))).hang_up()
            self._open[thread] = self._strangers[thread] = wire
            return True

    def _leave(self, thread: threading.Thread) -> None:
        with self._lock:
            self._open.pop(thread, None)
            self._strangers.pop(thread, None)

    def _is_news(self, *, stranger: bool) -> bool:
        """Whether a refusal is logged: those of strangers once a minute, since anybody may cause them."""
        now = time.monotonic()
        if stranger and now - self._told_of_strangers < STRANGERS_LOG_SECONDS:
            return False
        if stranger:
            self._told_of_strangers = now
        return True

    def _run(self, connection: socket.socket, wire: Wire, peer: str) -> None:
        logger = structlog.get_logger("adit.transmit").bind(peer=peer)
        stranger = True
        try:
            let_in(wire, self._key)
            stranger = False
            with self._lock:
                self._strangers.pop(threading.current_thread(), None)
            announcement, age = read_announcement(wire)
            try:
                self._mailbox.announce(announcement, age)
            except MessageIdTaken as error:
                wire.send([encode(Kind.REFUSED, {"reason": error.reason, "message": error.message})])
                return
            wire.send([encode(Kind.ANNOUNCED)])
            _Delivery(connection, wire, self._mailbox, announcement.id).run()
        except ConnectionLost:
            logger.debug("listener gone")
        except AditError as error:
            if self._is_news(stranger=stranger):
                logger.warning("listener refused", reason=error.reason, message=error.message)
        except OSError as error:
            logger.error("spool failed", error=error.strerror)  # noqa: TRY400 - a trace holds paths and nothing more
        finally:
            wire.close()
            self._leave(threading.current_thread())


def read_announcement(wire: Wire) -> tuple[Announcement, float]:
    """ANNOUNCE and the UIDS behind it, and how many seconds ago it was first made. Raises ProtocolViolation."""
    kind, header = read(wire)
    if kind is not Kind.ANNOUNCE:
        raise ProtocolViolation(f"{kind.name} where ANNOUNCE is due")
    identity = text(header, "id")
    if _ID.fullmatch(identity) is None:
        raise ProtocolViolation("an announcement whose id is none")
    count = number(header, "uids", MAX_UIDS)
    uids: set[str] = set()
    received = 0
    while received < count:
        kind, more = read(wire)
        some = texts(more, "uids", UIDS_PER_FRAME)
        if kind is not Kind.UIDS or not some:
            raise ProtocolViolation(f"{kind.name} where UIDS are due")
        if not all(map(is_uid, some)):
            raise ProtocolViolation("an announcement of UIDs that are none")
        received += len(some)
        uids.update(some)
    study = text(header, "study")
    if study and not is_uid(study):
        raise ProtocolViolation("an announcement of a study whose UID is none")
    announcement = Announcement(
        id=identity,
        message_id=number(header, "messageId", MAX_MESSAGE_ID),
        calling_ae_title=text(header, "callingAeTitle", 16),
        study_instance_uid=study,
        sop_instance_uids=frozenset(uids),
        standing=header.get("standing") is True,
    )
    return announcement, number(header, "age", MAX_AGE)


class _Delivery:
    """The letters of one announcement go out over one connection, their acknowledgements come in."""

    def __init__(self, connection: socket.socket, wire: Wire, mailbox: Mailbox, announcement_id: str) -> None:
        self._wire = wire
        self._mailbox = mailbox
        self._id = announcement_id
        self._changed = threading.Event()
        self._ended = False
        self._withdrawn = False
        # its own time-out: whoever sends waits longer than whoever reads
        self._out = connection.dup()
        self._out.settimeout(PATIENCE_SECONDS)

    def run(self) -> None:
        """Until the listener withdraws or is gone. Raises ConnectionLost, PeerSilent, ProtocolViolation, OSError."""
        unwatch = self._mailbox.watch(self._id, self._changed.set)
        sender = threading.Thread(target=self._send, name="transmit-send", daemon=True)
        sender.start()
        try:
            self._wire.within(SILENCE_SECONDS)
            while not self._withdrawn:
                self._take(*read(self._wire))
        finally:
            unwatch()
            self._ended = True
            self._changed.set()
            if not self._withdrawn:
                self._wire.hang_up()
            sender.join()
            self._out.close()

    def _take(self, kind: Kind, header: Header) -> None:
        if kind is Kind.ACK:
            names = tuple(texts(header, "names", NAMES_PER_ACK))
            if not all(map(_NAME.fullmatch, names)):
                raise ProtocolViolation("an acknowledgement of names that are none")
            self._mailbox.acknowledge(self._id, names)
        elif kind is Kind.WITHDRAW:
            self._mailbox.withdraw(self._id)
            self._withdrawn = True
        elif kind is not Kind.PING:
            raise ProtocolViolation(f"{kind.name} from a listener")

    def _send(self) -> None:
        sent: set[str] = set()
        try:
            while not self._ended:
                self._changed.clear()
                letters = self._mailbox.letters(self._id)
                sent &= {one.name for one in letters}
                fresh = [one for one in letters if one.name not in sent]
                for letter in fresh:
                    if self._ended:
                        break
                    self._hand_out(letter)
                    sent.add(letter.name)
                if not fresh and not self._changed.wait(PING_SECONDS):
                    self._out.sendall(encode(Kind.PING))
            if self._withdrawn:
                self._out.sendall(encode(Kind.WITHDRAWN))
        except OSError:  # the connection is gone, which the reader says
            self._wire.hang_up()

    def _hand_out(self, letter: Letter) -> None:
        header = {
            "name": letter.name,
            "length": letter.length,
            "sopClass": letter.sop_class_uid,
            "sopInstance": letter.sop_instance_uid,
            "transferSyntax": letter.transfer_syntax_uid,
        }
        try:
            with _opened(letter) as file:
                self._send_letter(encode(Kind.LETTER, header), file, letter)
        except _LetterUnreadable as error:
            if all(one.name != letter.name for one in self._mailbox.letters(self._id)):
                return  # acknowledged meanwhile over another connection
            structlog.get_logger("adit.transmit").error("spooled instance unreadable", error=str(error))
            self._out.sendall(encode(Kind.UNREADABLE, {"name": letter.name, "sopInstance": letter.sop_instance_uid}))

    def _send_letter(self, head: bytes, file: BinaryIO, letter: Letter) -> None:
        """Header, data set and checksum. Raises OSError where the connection is gone, _LetterUnreadable."""
        if letter.length <= _SMALL_BYTES:
            data = _read(file, letter.length)
            _send(self._out, head, data, encode_checksum(zlib.crc32(data)))
            return
        checksum, left = 0, letter.length
        while left:
            part = _read(file, min(left, _SMALL_BYTES))
            checksum = zlib.crc32(part, checksum)
            left -= len(part)
        self._out.sendall(head, getattr(socket, "MSG_MORE", 0))
        if self._out.sendfile(file, letter.start, letter.length) != letter.length:
            # Its end can no longer be told apart from the next frame: connected anew, it is found to be short.
            raise ConnectionAbortedError("a spooled instance became shorter")
        self._out.sendall(encode_checksum(checksum))


def _send(connection: socket.socket, *parts: bytes) -> None:
    """Send all of them without putting them together first."""
    sent = connection.sendmsg(parts)
    for part in parts:
        if sent < len(part):
            connection.sendall(memoryview(part)[sent:])
        sent = max(0, sent - len(part))


class _LetterUnreadable(Exception):
    """The spool fails, not the connection; nothing of the letter was sent yet."""


def _opened(letter: Letter) -> BinaryIO:
    try:
        file = letter.path.open("rb")
    except OSError as error:
        raise _LetterUnreadable(error.strerror) from error
    if file.seek(0, 2) < letter.start + letter.length:
        file.close()
        raise _LetterUnreadable("it is shorter than it was")
    file.seek(letter.start)
    return file


def _read(file: BinaryIO, length: int) -> bytes:
    try:
        data = file.read(length)
    except OSError as error:
        raise _LetterUnreadable(error.strerror) from error
    if len(data) < length:
        raise _LetterUnreadable("it became shorter")
    return data
