"""The DICOM side: who may send, and how an instance is safe in the spool before its sender hears of success."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final, Protocol

import structlog

from adit.dimse.association import Association
from adit.dimse.negotiation import (
    UNKNOWN_CALLING_AE_TITLE,
    Accepting,
    answer,
    refusal,
)
from adit.dimse.pdu import AssociateAccept, AssociateReject, AssociateRequest
from adit.dimse.storage import CANNOT_UNDERSTAND, OUT_OF_RESOURCES, SUCCESS, Reception, StoreRequest, serve_storage
from adit.errors import AditError
from adit.transfer.instance import Instance
from adit.transfer.part10 import front_of, is_uid
from adit.transmit.announcement import Arrival
from adit_receiver.arrivals import Arrived
from adit_receiver.layout import new_name
from adit_receiver.spool import NoRoom, Spool

# Bytes are asked for in such steps, not fragment by fragment.
_STEP: Final = 1 << 20
# A large file is written back in such steps while it comes; a common one is not touched.
_WRITE_BACK: Final = 16 << 20
_DONTNEED: Final[int | None] = getattr(os, "POSIX_FADV_DONTNEED", None)
# What is proposed beside storage by clients that propose everything, and is none.
_NOT_STORAGE: Final = (
    "1.2.840.10008.1.",
    "1.2.840.10008.3.",
    "1.2.840.10008.5.1.1.",
    "1.2.840.10008.5.1.4.1.2.",
    "1.2.840.10008.5.1.4.31",
    "1.2.840.10008.5.1.4.32",
    "1.2.840.10008.5.1.4.33",
)
_VERIFICATION: Final = "1.2.840.10008.1.1"


class Notes(Protocol):
    """What is counted of it."""

    def associated(self, refused: str) -> None:
        """An association was asked for; empty where it was accepted, else why not."""

    def received(self, count: int, status: int, reason: str) -> None:
        """A C-STORE of so many bytes was answered; why, where it was not success."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who may send: AE titles and networks; all where a list is empty."""

    ae_titles: frozenset[str] = frozenset()
    networks: Sequence[IPv4Network | IPv6Network] = ()

    def network(self, address: str) -> bool:
        """Whether a peer at this address may."""
        if not self.networks:
            return True
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self.networks)


class _Storage(Accepting):
    """Every storage SOP class, private ones included, in whatever syntax its sender likes best; and C-ECHO."""

    def supports(self, abstract_syntax: str, /) -> bool:
        return abstract_syntax == _VERIFICATION or not abstract_syntax.startswith(_NOT_STORAGE)

    def transfer_syntax(self, abstract_syntax: str, offered: tuple[str, ...], /) -> str | None:
        """What its sender likes best; what is no UID could not be read out of a file again."""
        del abstract_syntax  # all are taken in the same ones
        return next(filter(is_uid, offered), None)


class Receiving:
    """A Service of adit.dimse.server, and the Storage behind it."""

    def __init__(self, spool: Spool, allowed: Allowed, notes: Notes) -> None:
        self._spool = spool
        self._allowed = allowed
        self._notes = notes
        self._acceptance = _Storage()
        self._refused = ""

    def admits(self, peer_address: str) -> bool:
        """Whether this address may speak to us at all; asked before a word of it is read."""
        if self._allowed.network(peer_address):
            return True
        self._notes.associated("NetworkNotAllowed")
        if peer_address != self._refused:  # who knocks again and again is counted, and named once
            self._refused = peer_address
            structlog.get_logger("adit.receiver").warning(
                "connection refused", reason="NetworkNotAllowed", address=peer_address
            )
        return False

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept | AssociateReject:
        why, rejection = "", refusal(request)
        if rejection is not None:
            why = "Unsupported"
        elif self._allowed.ae_titles and request.calling_ae_title not in self._allowed.ae_titles:
            why, rejection = "AETitleNotAllowed", UNKNOWN_CALLING_AE_TITLE
        self._notes.associated(why)
        if rejection is not None:
            structlog.get_logger("adit.receiver").warning(
                "association refused", reason=why, callingAeTitle=request.calling_ae_title, address=peer_address
            )
            return rejection
        return answer(request, self._acceptance)

    def serve(self, association: Association) -> None:
        try:
            serve_storage(association, self)
        except AditError as error:
            structlog.get_logger("adit.receiver").warning(
                "association ended", reason=error.reason, callingAeTitle=association.calling_ae_title
            )

    def begin(self, request: StoreRequest) -> Reception | int:
        named = (request.sop_class_uid, request.sop_instance_uid, request.context.transfer_syntax)
        if not all(map(is_uid, named)):
            self._notes.received(0, CANNOT_UNDERSTAND, "NoUid")
            return CANNOT_UNDERSTAND
        try:
            if self._spool.room.full():
                self._notes.received(0, OUT_OF_RESOURCES, "SpoolFull")
                return OUT_OF_RESOURCES
            return _Reception(request, self._spool, self._notes)
        except OSError as error:
            structlog.get_logger("adit.receiver").error("spool failed", error=error.strerror)
            self._notes.received(0, OUT_OF_RESOURCES, "SpoolFailed")
            return OUT_OF_RESOURCES


class _Reception:
    """One instance on its way into `incoming`; once it is refused its bytes are let pass by."""

    def __init__(self, request: StoreRequest, spool: Spool, notes: Notes) -> None:
        self._spool = spool
        self._notes = notes
        self._arrival = Arrival(
            request.calling_ae_title,
            request.sop_class_uid,
            request.sop_instance_uid,
            request.context.transfer_syntax,
            move_originator_message_id=request.move_originator_message_id,
        )
        self._path = spool.folder.incoming / new_name(spool.clocks.now(), request.calling_ae_title)
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        arrival = self._arrival
        self._front = front_of(
            Instance(arrival.sop_class_uid, arrival.sop_instance_uid, arrival.transfer_syntax_uid, ()),
            arrival.calling_ae_title,
        )
        self._start = len(self._front)
        self._written = self._reserved = self._begun = 0
        self._refused = ""

    def write(self, fragment: memoryview, /) -> None:
        if self._refused:
            return
        try:
            front, self._front = self._front, b""
            count = len(front) + len(fragment)
            if self._written + count > self._spool.room.limits.instance_bytes:
                self._refuse("InstanceTooLarge")
                return
            if not self._reserve(count):
                self._refuse("SpoolFull")
                return
            written = os.writev(self._descriptor, [front, fragment]) if front else os.write(self._descriptor, fragment)
            while written < count:
                left = memoryview(bytes(front) + bytes(fragment))[written:]
                written += os.write(self._descriptor, left)
            self._written += count
            if self._written - self._begun >= _WRITE_BACK:
                self._begin_writing()
        except OSError as error:
            structlog.get_logger("adit.receiver").error("spool failed", error=error.strerror)
            self._refuse("SpoolFailed")

    def _begin_writing(self) -> None:
        """Let the kernel begin to write back what came, so that less is left to be synced at the end (measured)."""
        count = self._written - self._begun
        if _DONTNEED is not None:
            os.posix_fadvise(self._descriptor, self._begun, count, _DONTNEED)
        self._begun = self._written

    def complete(self) -> int:
        if self._front:  # a data set of nothing
            self.write(memoryview(b""))
        if self._refused:
            self._notes.received(self._written, OUT_OF_RESOURCES, self._refused)
            return OUT_OF_RESOURCES
        self._spool.room.spool(self._written - self._reserved)
        self._reserved = self._written
        arrived = Arrived(self._path, self._descriptor, self._start, self._written, self._arrival)
        try:
            self._spool.accept(arrived)
        except OSError as error:
            reason = "QuarantineFull" if isinstance(error, NoRoom) else "SpoolFailed"
            if reason == "SpoolFailed":
                structlog.get_logger("adit.receiver").error("spool failed", error=error.strerror)
            self._give_up()
            self._notes.received(self._written, OUT_OF_RESOURCES, reason)
            return OUT_OF_RESOURCES
        self._notes.received(self._written, SUCCESS, "")
        return SUCCESS

    def discard(self) -> None:
        if not self._refused:
            os.close(self._descriptor)
            self._give_up()

    def _reserve(self, count: int) -> bool:
        missing = self._written + count - self._reserved
        if missing <= 0:
            return True
        if self._reserved and self._spool.room.full():
            return False
        # generously while it comes, to the byte where there is not so much
        steps = (max(missing, _STEP), missing) if self._reserved else (missing,)
        step = next((one for one in steps if self._spool.room.spool(one)), 0)
        self._reserved += step
        return bool(step)

    def _refuse(self, reason: str) -> None:
        self._refused = reason
        os.close(self._descriptor)
        self._give_up()

    def _give_up(self) -> None:
        with suppress(OSError):  # the folder was adopted by somebody else, who empties it
            self._path.unlink(missing_ok=True)
        self._spool.room.spool(-self._reserved)
        self._reserved = 0
