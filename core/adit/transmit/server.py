"""The receiver's side of the file transmit: takes announcements, hands letters out, forgets them once acknowledged.

One connection serves one announcement, in two threads of its own, so that a slow runner slows nobody else.
"""

import socket
import threading
import time
from types import TracebackType
from typing import Final, Self

import structlog

from adit.dimse.errors import ConnectionLost, ProtocolViolation
from adit.dimse.wire import Wire
from adit.errors import AditError
from adit.transmit.announcement import MAX_MESSAGE_ID, Announcement
from adit.transmit.frames import (
    HANDSHAKE_SECONDS,
    MAX_UIDS,
    NAMES_PER_ACK,
    PING_SECONDS,
    SILENCE_SECONDS,
    UIDS_PER_FRAME,
    Header,
    Kind,
    encode,
    number,
    read,
    text,
    texts,
)
from adit.transmit.handshake import let_in
from adit.transmit.mailbox import Letter, Mailbox, MessageIdTaken

MAX_CONNECTIONS: Final = 500
CLOSE_SECONDS: Final = 5.0
# A runner that is alive may let us wait as long as its destination lets it; its pings say that it is.
PATIENCE_SECONDS: Final = 86_400.0
_LOOK_SECONDS: Final = 0.5
_ID_LENGTH: Final = 32


class TransmitServer:
    """Listens at `address` while it is entered; port 0 takes a free one."""

    port: int

    def __init__(self, address: tuple[str, int], mailbox: Mailbox, key: bytes) -> None:
        self._address = address
        self._mailbox = mailbox
        self._key = key
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, Wire] = {}
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
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # no descriptor is free, or the other side was faster
                time.sleep(_LOOK_SECONDS / 5)
                continue
            wire = Wire(connection, HANDSHAKE_SECONDS)
            thread = threading.Thread(target=self._run, args=(connection, wire), name="transmit", daemon=True)
            with self._lock:
                full = len(self._open) >= MAX_CONNECTIONS
                if not full:
                    self._open[thread] = wire
            if full:
                wire.close()
            else:
                thread.start()

    def _run(self, connection: socket.socket, wire: Wire) -> None:
        logger = structlog.get_logger("adit.transmit")
        try:
            let_in(wire, self._key)
            announcement = read_announcement(wire)
            try:
                self._mailbox.announce(announcement)
            except MessageIdTaken as error:
                wire.send([encode(Kind.REFUSED, {"reason": error.reason, "message": error.message})])
                return
            wire.send([encode(Kind.ANNOUNCED)])
            _Delivery(connection, wire, self._mailbox, announcement.id).run()
        except ConnectionLost:
            logger.debug("listener gone")
        except AditError as error:
            logger.warning("listener refused", reason=error.reason, message=error.message)
        except OSError as error:
            logger.error("spool failed", error=error.strerror)  # noqa: TRY400 - a trace holds paths and nothing more
        finally:
            wire.close()
            with self._lock:
                self._open.pop(threading.current_thread(), None)


def read_announcement(wire: Wire) -> Announcement:
    """ANNOUNCE and the UIDS behind it. Raises ProtocolViolation."""
    kind, header = read(wire)
    if kind is not Kind.ANNOUNCE:
        raise ProtocolViolation(f"{kind.name} where ANNOUNCE is due")
    identity = text(header, "id")
    if len(identity) != _ID_LENGTH or set(identity) - set("0123456789abcdef"):
        raise ProtocolViolation("an announcement whose id is none")
    count = number(header, "uids", MAX_UIDS)
    uids: set[str] = set()
    received = 0
    while received < count:
        kind, more = read(wire)
        some = texts(more, "uids", UIDS_PER_FRAME)
        if kind is not Kind.UIDS or not some:
            raise ProtocolViolation(f"{kind.name} where UIDS are due")
        received += len(some)
        uids.update(some)
    return Announcement(
        id=identity,
        message_id=number(header, "messageId", MAX_MESSAGE_ID),
        calling_ae_title=text(header, "callingAeTitle", 16),
        study_instance_uid=text(header, "study"),
        sop_instance_uids=frozenset(uids),
        standing=header.get("standing") is True,
    )


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
        self._failure: OSError | None = None

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
            if self._failure is not None:
                raise self._failure

    def _take(self, kind: Kind, header: Header) -> None:
        if kind is Kind.ACK:
            self._mailbox.acknowledge(self._id, tuple(texts(header, "names", NAMES_PER_ACK)))
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
        except _LetterUnreadable as error:
            self._failure = error.cause
            self._wire.hang_up()
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
            file = letter.path.open("rb")
        except FileNotFoundError:
            return  # acknowledged meanwhile over another connection
        except OSError as error:
            raise _LetterUnreadable(error) from error
        with file:
            if file.seek(0, 2) < letter.start + letter.length:
                raise _LetterUnreadable(OSError(0, "a spooled instance is shorter than it was"))
            self._out.sendall(encode(Kind.LETTER, header), getattr(socket, "MSG_MORE", 0))
            if letter.length and self._out.sendfile(file, letter.start, letter.length) != letter.length:
                raise _LetterUnreadable(OSError(0, "a spooled instance became shorter"))


class _LetterUnreadable(Exception):
    """The spool fails, not the connection."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause
