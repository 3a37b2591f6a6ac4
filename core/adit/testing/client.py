"""A plain DIMSE client that shows exactly what a server answers: statuses, counts, bytes, nothing repaired."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.datadict import dictionary_VR, tag_for_keyword

from adit.testing import query_keys as keys
from adit.testing import upper_layer as ul
from adit.testing.elements import EXPLICIT_LITTLE, encode_elements, spans
from adit.testing.negotiation import Context, Proposal
from adit.testing.pacs_index import StoredInstance, read_instance
from adit.testing.pacs_services import C_CANCEL, C_ECHO, C_FIND, C_GET, C_MOVE, C_STORE, PENDING, RESPONSE, VERIFICATION
from adit.testing.part10 import text_of
from adit.testing.send import Sender, associate, release

PATIENT_ROOT, STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.1.", "1.2.840.10008.5.1.4.1.2.2."
Keys = Mapping[str, str | bytes]
_SERVICE = {C_FIND: "1", C_MOVE: "2", C_GET: "3"}


@dataclass(slots=True)
class Answers:
    """Everything that one request brought: its final status and counts, C-FIND answers, C-GET instances."""

    status: int = PENDING
    counts: Mapping[int, int] = field(default_factory=dict)
    found: list[dict[int, bytes]] = field(default_factory=list)
    received: dict[str, bytes] = field(default_factory=dict)
    """SOP Instance UID → encoded data set"""
    failed: tuple[str, ...] = ()

    def column(self, keyword: str) -> list[str]:
        """One attribute of every answer, as ASCII text."""
        return [text_of(answer.get(tag_for_keyword(keyword) or 0, b"")) for answer in self.found]


class Client:
    """Requests over one association; made by `client()`."""

    def __init__(self, connection: ul.Connection, contexts: Mapping[int, Context], root: str) -> None:
        self.connection = connection
        self.contexts = contexts
        self._root = root
        self._message_id = 0

    def echo(self) -> int:
        return self._run(C_ECHO, VERIFICATION, None).status

    def find(self, level: str, wanted: Keys, *, cancel_after: int | None = None) -> Answers:
        """C-FIND by DICOM keywords; an empty text is a return key."""
        return self._run(C_FIND, self._root + _SERVICE[C_FIND], _identifier(level, wanted), cancel_after=cancel_after)

    def get(self, level: str, wanted: Keys, *, store_status: int = 0, cancel_after: int | None = None) -> Answers:
        """C-GET; every instance is answered with `store_status`."""
        identifier = _identifier(level, wanted)
        model = self._root + _SERVICE[C_GET]
        return self._run(C_GET, model, identifier, store_status=store_status, cancel_after=cancel_after)

    def move(self, level: str, destination: str, wanted: Keys) -> Answers:
        extra = {ul.MOVE_DESTINATION: destination}
        return self._run(C_MOVE, self._root + _SERVICE[C_MOVE], _identifier(level, wanted), extra)

    def _run(
        self,
        field_: int,
        sop_class: str,
        identifier: bytes | None,
        extra: ul.Command | None = None,
        *,
        cancel_after: int | None = None,
        store_status: int = 0,
    ) -> Answers:
        context_id = next(identity for identity, c in self.contexts.items() if c.abstract_syntax == sop_class)
        self._message_id += 1
        command: dict[int, int | str] = {
            ul.AFFECTED_SOP_CLASS: sop_class,
            ul.COMMAND_FIELD: field_,
            ul.MESSAGE_ID: self._message_id,
            ul.PRIORITY: 0,
        }
        self.connection.send_message(context_id, {**command, **(extra or {})}, identifier)
        answers = Answers()
        while True:
            message = self.connection.read_message()
            data = bytearray()
            if message.has_data_set:
                self.connection.read_data_set(data.extend)
            if message.field == C_STORE:
                answers.received[message.text(ul.AFFECTED_SOP_INSTANCE)] = bytes(data)
                if len(answers.received) == cancel_after:
                    self._cancel(context_id)
                self._stored(message, store_status)
            elif message.number(ul.STATUS) != PENDING:
                return _finished(answers, message, bytes(data))
            elif data:
                answers.found.append(_elements(bytes(data)))
                if len(answers.found) == cancel_after:
                    self._cancel(context_id)

    def _cancel(self, context_id: int) -> None:
        cancel = {ul.COMMAND_FIELD: C_CANCEL, ul.MESSAGE_ID_ANSWERED: self._message_id}
        self.connection.send_message(context_id, cancel)

    def _stored(self, message: ul.Message, status: int) -> None:
        reply: dict[int, int | str] = {
            ul.AFFECTED_SOP_CLASS: message.text(ul.AFFECTED_SOP_CLASS),
            ul.COMMAND_FIELD: C_STORE | RESPONSE,
            ul.MESSAGE_ID_ANSWERED: message.number(ul.MESSAGE_ID),
            ul.STATUS: status,
            ul.AFFECTED_SOP_INSTANCE: message.text(ul.AFFECTED_SOP_INSTANCE),
        }
        self.connection.send_message(message.context_id, reply)


@contextmanager
def client(
    address: tuple[str, int],
    called: str,
    *,
    calling: str = "CLIENT",
    root: str = STUDY_ROOT,
    storage: Sequence[Proposal] = (),
) -> Iterator[Client]:
    """Associate for C-ECHO, C-FIND, C-GET and C-MOVE; `storage` are the contexts to receive C-GET's instances on."""
    wanted = [Proposal(VERIFICATION, (EXPLICIT_LITTLE,))]
    wanted += [Proposal(root + service, (EXPLICIT_LITTLE,)) for service in _SERVICE.values()]
    roles = {proposal.abstract_syntax: (0, 1) for proposal in storage}
    connection, contexts = associate(address, called, calling, [*wanted, *storage], roles)
    try:
        yield Client(connection, contexts, root)
    finally:
        release(connection)


def store(
    address: tuple[str, int], called: str, paths: Sequence[Path], calling: str = "CLIENT"
) -> dict[Path, int | None]:
    """C-STORE Part-10 files byte for byte over one association; path → status (None: no presentation context)."""
    instances: list[StoredInstance] = [read_instance(path, number) for number, path in enumerate(paths)]
    with Sender.open(address, called, calling, instances) as sender:
        return {instance.path: sender.send(instance) for instance in instances}


def proposals(paths: Sequence[Path]) -> list[Proposal]:
    """One presentation context for each pair of SOP class and transfer syntax among these files."""
    instances = [read_instance(path, number) for number, path in enumerate(paths)]
    pairs = dict.fromkeys((one.sop_class_uid, one.transfer_syntax_uid) for one in instances)
    return [Proposal(sop_class, (syntax,)) for sop_class, syntax in pairs]


def _identifier(level: str, wanted: Keys) -> bytes:
    elements = [(keys.LEVEL, "CS", level.encode())]
    for keyword, value in wanted.items():
        tag = tag_for_keyword(keyword)
        if tag is None:
            raise ValueError(f"{keyword} is not a DICOM keyword")
        elements.append((tag, dictionary_VR(tag), value.encode() if isinstance(value, str) else value))
    return encode_elements(sorted(elements), EXPLICIT_LITTLE)


def _elements(data: bytes) -> dict[int, bytes]:
    return {span.tag: data[span.start : span.start + span.length] for span in spans(data, EXPLICIT_LITTLE)}


def _finished(answers: Answers, message: ul.Message, data: bytes) -> Answers:
    answers.status = message.number(ul.STATUS)
    answers.counts = {
        field_: message.number(field_)
        for field_ in (ul.REMAINING, ul.COMPLETED, ul.FAILED, ul.WARNING)
        if field_ in message.command
    }
    failed = text_of(_elements(data).get(keys.FAILED_UIDS, b""))
    answers.failed = tuple(failed.split("\\")) if failed else ()
    return answers
