"""Sends stored instances as they lie on disk: the C-STOREs of a C-GET (same association) or C-MOVE (its own one)."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from adit.testing import negotiation
from adit.testing import upper_layer as ul
from adit.testing.negotiation import Context, Proposal
from adit.testing.pacs_index import StoredInstance
from adit.testing.part10 import mapped

MAX_CONTEXTS = 128
TIMEOUT = 30.0
_C_STORE, _C_CANCEL = 0x0001, 0x0FFF
_WARNINGS = range(0xB000, 0xC000)


@dataclass(frozen=True, slots=True)
class SubOperations:
    """How far a C-GET or C-MOVE has come."""

    remaining: int
    completed: int = 0
    warned: int = 0
    failed: tuple[str, ...] = ()

    def after(self, sop_instance_uid: str, status: int | None) -> "SubOperations":
        """Count one sub-operation; None means that it could not be sent at all."""
        left = replace(self, remaining=self.remaining - 1)
        if status == 0:
            return replace(left, completed=self.completed + 1)
        if status in _WARNINGS:
            return replace(left, warned=self.warned + 1)
        return replace(left, failed=(*self.failed, sop_instance_uid))

    def counts(self, *, final: bool = False) -> ul.Command:
        counts = {ul.COMPLETED: self.completed, ul.FAILED: len(self.failed), ul.WARNING: self.warned}
        return counts if final else {ul.REMAINING: self.remaining, **counts}


class Rejected(ul.Closed):
    """The peer rejected the association; `reason` is its result, source and reason (PS3.8, 9.3.4)."""

    def __init__(self, reason: tuple[int, int, int]) -> None:
        super().__init__(f"the association was rejected: {reason}")
        self.reason = reason


def associate(
    address: tuple[str, int],
    called: str,
    calling: str,
    proposals: Sequence[Proposal],
    roles: Mapping[str, tuple[int, int]] | None = None,
) -> tuple[ul.Connection, dict[int, Context]]:
    """Open an association; raises OSError when the peer cannot be reached, Rejected when it does not want us."""
    body, numbered = negotiation.proposal(called, calling, proposals, roles)
    connection = ul.Connection(socket.create_connection(address, timeout=TIMEOUT))
    try:
        connection.send_pdu(ul.ASSOCIATE_RQ, body)
        kind, reply = connection.read_pdu()
        if kind == ul.ASSOCIATE_RJ and len(reply) >= 4:  # noqa: PLR2004 - reserved, result, source, reason
            raise Rejected((reply[1], reply[2], reply[3]))
        if kind != ul.ASSOCIATE_AC:
            raise ul.Closed("the peer aborted the association")
        answer = negotiation.parse(reply)
    except OSError:
        connection.close()
        raise
    connection.peer_max_pdu = negotiation.usable_pdu(answer.max_pdu)
    accepted = {i: Context(numbered[i].abstract_syntax, s) for i, s in answer.accepted.items() if i in numbered}
    return connection, accepted


def release(connection: ul.Connection) -> None:
    """End an association politely, if it is still there."""
    try:
        if not connection.ended:
            connection.send_pdu(ul.RELEASE_RQ, bytes(4))
            connection.read_pdu()
    except OSError:  # it is gone already; there is nothing left to release
        pass
    finally:
        connection.close()


class Sender:
    """Sends instances over an association whose contexts are known."""

    def __init__(self, connection: ul.Connection, contexts: Mapping[int, Context]) -> None:
        self.connection = connection
        self.originator: tuple[str, int] | None = None
        self.canceled = False
        self._by_syntax = {(c.abstract_syntax, c.transfer_syntax): identity for identity, c in contexts.items()}
        self._message_id = 0

    @classmethod
    def open(cls, address: tuple[str, int], called: str, calling: str, chosen: Sequence[StoredInstance]) -> Self:
        """Associate with a C-STORE SCP for these instances; raises OSError when it cannot be reached or rejects."""
        pairs = dict.fromkeys((i.sop_class_uid, i.transfer_syntax_uid) for i in chosen)
        wanted = [Proposal(sop_class, (syntax,)) for sop_class, syntax in pairs][:MAX_CONTEXTS]
        return cls(*associate(address, called, calling, wanted))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the association that `open` made."""
        release(self.connection)

    def send(self, instance: StoredInstance) -> int | None:
        """C-STORE one instance; the status answered, or None where no context carries its transfer syntax."""
        context_id = self._by_syntax.get((instance.sop_class_uid, instance.transfer_syntax_uid))
        if context_id is None:
            return None
        self._message_id = self._message_id % 0xFFFF + 1
        command: dict[int, int | str] = {
            ul.AFFECTED_SOP_CLASS: instance.sop_class_uid,
            ul.COMMAND_FIELD: _C_STORE,
            ul.MESSAGE_ID: self._message_id,
            ul.PRIORITY: 0,
            ul.AFFECTED_SOP_INSTANCE: instance.sop_instance_uid,
        }
        if self.originator is not None:
            command[ul.MOVE_ORIGINATOR], command[ul.MOVE_ORIGINATOR_ID] = self.originator
        with mapped(instance.path, instance.offset) as data:
            self.connection.send_message(context_id, command, data)
        while True:
            reply = self.connection.read_message()
            if reply.field != _C_CANCEL:
                return reply.number(ul.STATUS)
            self.canceled = True
