"""The DIMSE services of the loopback PACS on one accepted association: C-ECHO, C-FIND, C-GET, C-MOVE and C-STORE."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adit.testing import query_keys as keys
from adit.testing import upper_layer as ul
from adit.testing.elements import UnreadableDataSet, encode_elements
from adit.testing.faults import Faults
from adit.testing.negotiation import Context
from adit.testing.pacs_index import StoredInstance
from adit.testing.pacs_query import Overview, Query, answer, encoded_answer, find, parse_identifier, select
from adit.testing.part10 import is_uid, meta_of
from adit.testing.send import Sender, SubOperations

VERIFICATION = "1.2.840.10008.1.1"
FINDS = frozenset(("1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.2.1"))
MOVES = frozenset(("1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.2.2"))
GETS = frozenset(("1.2.840.10008.5.1.4.1.2.1.3", "1.2.840.10008.5.1.4.1.2.2.3"))
QUERY_RETRIEVE = FINDS | MOVES | GETS
STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2."

C_STORE, C_GET, C_FIND, C_MOVE, C_ECHO, C_CANCEL, RESPONSE = 0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0FFF, 0x8000
SUCCESS, PENDING, CANCELED = 0x0000, 0xFF00, 0xFE00
CANNOT_PERFORM, DESTINATION_UNKNOWN, IDENTIFIER_MISMATCH, PARTIAL = 0xA702, 0xA801, 0xA900, 0xB000
INVALID_INSTANCE, CANNOT_UNDERSTAND, UNRECOGNIZED = 0x0117, 0xC000, 0x0211
MAX_IDENTIFIER = 1 << 22


@dataclass(frozen=True, slots=True)
class Admission:
    """What happens to one C-STORE: refused with a status (0: not), or dropped although Success is answered."""

    refuse_status: int
    drop: bool


class Archive(Protocol):
    """What the services need of the PACS that they belong to."""

    @property
    def ae_title(self) -> str: ...
    @property
    def destinations(self) -> Mapping[str, tuple[str, int]]: ...
    @property
    def faults(self) -> Faults: ...
    def instances(self) -> tuple[StoredInstance, ...]: ...
    def admit(self) -> Admission: ...
    def partial(self) -> Path: ...
    def keep(self, partial: Path) -> None: ...
    def pause(self) -> None: ...
    def note_request(self) -> None: ...


class Services:
    """Answers the requests of one association until it ends."""

    def __init__(
        self, archive: Archive, connection: ul.Connection, contexts: Mapping[int, Context], calling: str
    ) -> None:
        self._archive = archive
        self._connection = connection
        self._contexts = contexts
        self._calling = calling

    def serve(self) -> None:
        """Serve until the peer ends the association, which raises `Closed`."""
        services: dict[int, Callable[[ul.Message, Context], None]] = {
            C_ECHO: self._echo,
            C_FIND: self._find,
            C_GET: self._get,
            C_MOVE: self._move,
            C_STORE: self._store,
        }
        while True:
            message = self._connection.read_message()
            context = self._contexts.get(message.context_id)
            if context is None:
                self._connection.abort()
                raise ul.Closed("a request came on a presentation context that was not accepted")
            if self._archive.faults.silent:
                if message.has_data_set:
                    self._connection.read_data_set(len)
            elif message.field in services:
                services[message.field](message, context)
            elif message.field != C_CANCEL:
                self._respond(message, UNRECOGNIZED)

    # C-ECHO and C-STORE -----------------------------------------------------------------------------------------------

    def _echo(self, message: ul.Message, _: Context) -> None:
        self._respond(message, SUCCESS)

    def _store(self, message: ul.Message, context: Context) -> None:
        sop_class, sop_instance = message.text(ul.AFFECTED_SOP_CLASS), message.text(ul.AFFECTED_SOP_INSTANCE)
        admission = self._archive.admit()
        refusal = admission.refuse_status or (0 if is_uid(sop_instance) and is_uid(sop_class) else INVALID_INSTANCE)
        if refusal or admission.drop:
            self._connection.read_data_set(len)
            self._respond(message, refusal or SUCCESS)
            return
        partial = self._archive.partial()
        try:
            with partial.open("xb") as file:
                file.write(meta_of(sop_class, sop_instance, context.transfer_syntax))
                self._connection.read_data_set(file.write)
            self._archive.keep(partial)
        except UnreadableDataSet:
            self._respond(message, CANNOT_UNDERSTAND)
        else:
            self._respond(message, SUCCESS)
        finally:
            partial.unlink(missing_ok=True)

    # C-FIND -----------------------------------------------------------------------------------------------------------

    def _find(self, message: ul.Message, context: Context) -> None:
        query = self._identifier(message, context)
        faults = self._archive.faults
        if query is None or faults.find_status:
            self._respond(message, faults.find_status or IDENTIFIER_MISMATCH)
            return
        overview = Overview(self._archive.instances())
        for entity in find(query, overview, ignore_optional_keys=faults.ignore_optional_keys):
            self._archive.pause()
            if self._canceled():
                self._respond(message, CANCELED)
                return
            elements = answer(query, entity, overview, self._archive.ae_title, only_unique=faults.omit_return_keys)
            self._respond(message, PENDING, data_set=encoded_answer(elements, context.transfer_syntax))
        self._respond(message, SUCCESS)

    # C-GET and C-MOVE -------------------------------------------------------------------------------------------------

    def _get(self, message: ul.Message, context: Context) -> None:
        chosen = self._chosen(message, context)
        if chosen is None:
            self._respond(message, IDENTIFIER_MISMATCH)
            return
        sender = Sender(self._connection, self._contexts)
        self._transmit(message, context, chosen, sender)

    def _move(self, message: ul.Message, context: Context) -> None:
        chosen = self._chosen(message, context)
        address = self._archive.destinations.get(message.text(ul.MOVE_DESTINATION))
        if chosen is None or address is None:
            self._respond(message, IDENTIFIER_MISMATCH if chosen is None else DESTINATION_UNKNOWN)
            return
        called = message.text(ul.MOVE_DESTINATION)
        with _destination(address, called, self._archive.ae_title, chosen) as sender:
            if sender is None:
                self._finish(
                    message, context, SubOperations(remaining=0, failed=tuple(i.sop_instance_uid for i in chosen))
                )
                return
            if not self._archive.faults.omit_move_originator:
                sender.originator = (self._calling, message.number(ul.MESSAGE_ID))
            self._transmit(message, context, chosen, sender)

    def _transmit(self, message: ul.Message, context: Context, chosen: list[StoredInstance], sender: Sender) -> None:
        done = SubOperations(remaining=len(chosen))
        for position, instance in enumerate(chosen, start=1):
            faults = self._archive.faults
            if faults.abort_fetch_after is not None and position > faults.abort_fetch_after:
                self._connection.abort()
                raise ul.Closed("the association was aborted on request")
            self._archive.pause()
            fails = faults.fail_fetch_every_nth and position % faults.fail_fetch_every_nth == 0
            status = None if fails else self._send(sender, instance)
            done = done.after(instance.sop_instance_uid, status)
            if sender.canceled or (sender.connection is not self._connection and self._canceled()):
                self._finish(message, context, done, status=CANCELED)
                return
            if done.remaining and not faults.omit_pending_responses:
                self._respond(message, PENDING, done.counts())
        self._finish(message, context, done)

    def _send(self, sender: Sender, instance: StoredInstance) -> int | None:
        if sender.connection is self._connection:
            return sender.send(instance)
        try:
            return None if sender.connection.ended else sender.send(instance)
        except OSError:  # the move destination is gone; the one who asked for the move is told by the counts
            sender.connection.ended = True
            return None

    def _finish(self, message: ul.Message, context: Context, done: SubOperations, status: int | None = None) -> None:
        if status is None:
            status = SUCCESS if not done.failed and not done.warned else PARTIAL
            if done.failed and not done.completed and not done.warned:
                status = CANNOT_PERFORM
        uids = None
        if done.failed:
            value = "\\".join(done.failed).encode()
            uids = encode_elements([(keys.FAILED_UIDS, "UI", value[:0xFFFE])], context.transfer_syntax)
        self._respond(message, status, done.counts(final=status != CANCELED), data_set=uids)

    # ------------------------------------------------------------------------------------------------------------------

    def _chosen(self, message: ul.Message, context: Context) -> list[StoredInstance] | None:
        query = self._identifier(message, context)
        if query is None:
            return None
        try:
            return select(query, self._archive.instances())
        except UnreadableDataSet:
            return None

    def _identifier(self, message: ul.Message, context: Context) -> Query | None:
        self._archive.note_request()
        data = bytearray()

        def gather(fragment: bytes) -> None:
            data.extend(fragment)
            if len(data) > MAX_IDENTIFIER:
                raise ul.Closed("an identifier is too long")

        if message.has_data_set:
            self._connection.read_data_set(gather)
        try:
            query = parse_identifier(bytes(data), context.transfer_syntax)
        except UnreadableDataSet:
            return None
        return None if query.level == "PATIENT" and context.abstract_syntax.startswith(STUDY_ROOT) else query

    def _canceled(self) -> bool:
        """Whether the peer has sent C-CANCEL; nothing else may come while a request is being answered."""
        return self._connection.waiting() and self._connection.read_message().field == C_CANCEL

    def _respond(
        self, message: ul.Message, status: int, counts: ul.Command | None = None, data_set: bytes | None = None
    ) -> None:
        command: dict[int, int | str] = {
            ul.AFFECTED_SOP_CLASS: message.text(ul.AFFECTED_SOP_CLASS),
            ul.COMMAND_FIELD: message.field | RESPONSE,
            ul.MESSAGE_ID_ANSWERED: message.number(ul.MESSAGE_ID),
            ul.STATUS: status,
            **(counts if counts and not self._archive.faults.omit_counts else {}),
        }
        if message.field == C_STORE:
            command[ul.AFFECTED_SOP_INSTANCE] = message.text(ul.AFFECTED_SOP_INSTANCE)
        self._connection.send_message(message.context_id, command, data_set)


@contextmanager
def _destination(
    address: tuple[str, int], called: str, calling: str, chosen: list[StoredInstance]
) -> Iterator[Sender | None]:
    try:
        sender = Sender.open(address, called, calling, chosen)
    except OSError:
        yield None
        return
    with sender:
        yield sender
