"""The DICOM upper layer of the loopback PACS (PS3.8) on one blocking socket: PDUs, and DIMSE messages made of them.

It is written apart from every library that a connector uses, so that a test of a connector is a test against another
implementation, and so that no byte of a data set is decoded on its way.
"""

import select
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from adit.testing.elements import IMPLICIT_LITTLE, encode_elements, spans

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
MAX_PDU: Final = 1 << 20  # what we announce
RECEIVE_SIZE: Final = 1 << 18
QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it
MAX_COMMAND: Final = 1 << 16
DEFAULT_PEER_PDU: Final = 16_384
UNLIMITED_PEER_PDU: Final = 1 << 20

AFFECTED_SOP_CLASS, COMMAND_FIELD, MESSAGE_ID, MESSAGE_ID_ANSWERED = 0x0002, 0x0100, 0x0110, 0x0120
MOVE_DESTINATION, PRIORITY, DATA_SET_TYPE, STATUS, AFFECTED_SOP_INSTANCE = 0x0600, 0x0700, 0x0800, 0x0900, 0x1000
REMAINING, COMPLETED, FAILED, WARNING, MOVE_ORIGINATOR, MOVE_ORIGINATOR_ID = (
    0x1020,
    0x1021,
    0x1022,
    0x1023,
    0x1030,
    0x1031,
)
NO_DATA_SET: Final = 0x0101

Command = Mapping[int, int | str]
_UID_FIELDS = (AFFECTED_SOP_CLASS, 0x0003, AFFECTED_SOP_INSTANCE, 0x1001)
_TEXT_FIELDS = (MOVE_DESTINATION, MOVE_ORIGINATOR, 0x0902)
_PDVS_PER_WRITE = 32


class Closed(ConnectionError):
    """The peer released, aborted or closed; `released` tells whether it did so politely."""

    def __init__(self, message: str, *, released: bool = False) -> None:
        super().__init__(message)
        self.released = released


@dataclass(frozen=True, slots=True)
class Message:
    """A received command; the data set that may follow is read separately, so that it can go straight to a file."""

    context_id: int
    command: Command

    @property
    def field(self) -> int:
        return self.number(COMMAND_FIELD)

    @property
    def has_data_set(self) -> bool:
        return self.command.get(DATA_SET_TYPE, NO_DATA_SET) != NO_DATA_SET

    def number(self, field: int) -> int:
        value = self.command.get(field, 0)
        return value if isinstance(value, int) else 0

    def text(self, field: int) -> str:
        return str(self.command.get(field, ""))


class Connection:
    """One TCP connection that speaks PDUs and DIMSE messages."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self._received = bytearray()
        self.peer_max_pdu = DEFAULT_PEER_PDU
        self.ended = False  # released or aborted by the peer: nothing may be sent any more
        self.on_release: Callable[[], None] = lambda: None  # called before the release is answered
        self._pending: list[tuple[int, bool, bool, bytes]] = []  # (context, is command, is last, fragment)

    def close(self) -> None:
        self.socket.close()

    def waiting(self) -> bool:
        """Whether a message (or a part of it) has already arrived."""
        return bool(self._pending or self._received or select.select([self.socket], [], [], 0)[0])

    # PDUs -------------------------------------------------------------------------------------------------------------

    def read_pdu(self) -> tuple[int, bytes]:
        kind, _, length = struct.unpack(">BBI", self._exactly(6))
        if length > MAX_PDU + 6:
            raise Closed("a PDU is longer than announced")
        return kind, self._exactly(length)

    def send_pdu(self, kind: int, body: bytes) -> None:
        self.socket.sendall(struct.pack(">BBI", kind, 0, len(body)) + body)

    def abort(self, source: int = 2, reason: int = 0) -> None:
        self.send_pdu(ABORT, bytes((0, 0, source, reason)))

    def _exactly(self, count: int) -> bytes:
        while len(self._received) < count:
            if QUICKACK is not None:  # a peer that leaves Nagle on would wait 40 ms for each of our ACKs
                self.socket.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
            chunk = self.socket.recv(max(RECEIVE_SIZE, count - len(self._received)))
            if not chunk:
                raise Closed("the peer closed the connection")
            self._received += chunk
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    # DIMSE messages ---------------------------------------------------------------------------------------------------

    def read_message(self) -> Message:
        """Wait for the next command; raises Closed when the association ends instead (a release is answered)."""
        command = bytearray()
        while True:
            context_id, is_command, is_last, fragment = self._fragment()
            if not is_command:
                raise Closed("a data set came without its command")
            command += fragment
            if len(command) > MAX_COMMAND:
                raise Closed("a command is too long")
            if is_last:
                return Message(context_id, decode_command(bytes(command)))

    def read_data_set(self, write: Callable[[bytes], object]) -> None:
        """Hand the fragments of the data set that follows a command to `write`."""
        while True:
            _, is_command, is_last, fragment = self._fragment()
            if is_command:
                raise Closed("a command came inside a data set")
            write(fragment)
            if is_last:
                return

    def send_message(self, context_id: int, command: Command, data_set: bytes | memoryview | None = None) -> None:
        fields = {**command, DATA_SET_TYPE: NO_DATA_SET if data_set is None else 1}
        self._send_fragments(context_id, encode_command(fields), command=1)
        if data_set is not None:
            self._send_fragments(context_id, data_set, command=0)

    def _fragment(self) -> tuple[int, bool, bool, bytes]:
        while not self._pending:
            kind, body = self.read_pdu()
            self.ended = kind != P_DATA
            if kind == RELEASE_RQ:
                self.on_release()
                self.send_pdu(RELEASE_RP, bytes(4))
                raise Closed("the peer released the association", released=True)
            if kind != P_DATA:
                raise Closed("the peer aborted the association")
            self._pending = list(_fragments(body))
        return self._pending.pop(0)

    def _send_fragments(self, context_id: int, data: bytes | memoryview, *, command: int) -> None:
        size = (self.peer_max_pdu - 6) & ~1  # fragments are of even length
        view = memoryview(data)
        total = max(len(view), 1)
        batch: list[bytes | memoryview] = []
        for begin in range(0, total, size):
            chunk = view[begin : begin + size]
            flags = command | (2 if begin + size >= total else 0)
            batch += (struct.pack(">BBIIBB", P_DATA, 0, len(chunk) + 6, len(chunk) + 2, context_id, flags), chunk)
            if len(batch) >= 2 * _PDVS_PER_WRITE:
                self.socket.sendall(b"".join(batch))
                batch.clear()
        if batch:
            self.socket.sendall(b"".join(batch))


def _fragments(body: bytes) -> Iterator[tuple[int, bool, bool, bytes]]:
    position = 0
    while position < len(body):
        if position + 6 > len(body):
            raise Closed("a PDU ends inside a fragment")
        length, context_id, flags = struct.unpack_from(">IBB", body, position)
        end = position + 4 + length
        if end > len(body) or length < 2:  # noqa: PLR2004 - context and flags are part of the length
            raise Closed("a fragment is longer than its PDU")
        yield context_id, bool(flags & 1), bool(flags & 2), body[position + 6 : end]
        position = end


def decode_command(data: bytes) -> dict[int, int | str]:
    """Group 0000 as {element: value}."""
    command: dict[int, int | str] = {}
    for span in spans(data, IMPLICIT_LITTLE):
        value = data[span.start : span.start + span.length]
        element = span.tag & 0xFFFF
        if element in _UID_FIELDS or element in _TEXT_FIELDS:
            command[element] = value.decode("ascii", "replace").strip(" \0")
        elif len(value) == 2:  # noqa: PLR2004 - every number of a DIMSE-C command is a US
            command[element] = int.from_bytes(value, "little")
    return command


def encode_command(command: Command) -> bytes:
    body = encode_elements(
        ((field, _vr(field), _encoded(value)) for field, value in sorted(command.items())), IMPLICIT_LITTLE
    )
    return encode_elements([(0, "UL", struct.pack("<I", len(body)))], IMPLICIT_LITTLE) + body


def _vr(field: int) -> str:
    return "UI" if field in _UID_FIELDS else "AE"


def _encoded(value: int | str) -> bytes:
    return struct.pack("<H", value) if isinstance(value, int) else value.encode("ascii", "replace")
