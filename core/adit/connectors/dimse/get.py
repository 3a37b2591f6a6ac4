"""C-GET on an association: the sub-operations it brings become Instances that lie in spool files (PS3.4 C.4.3)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom import Dataset

from adit.api.dicom_server import QueryModel
from adit.connectors.dimse.association import Association, Message, NoContextAccepted
from adit.connectors.dimse.charset import encode_identifier
from adit.connectors.dimse.contexts import GET_MODELS
from adit.connectors.dimse.status import query_error
from adit.dimse import commands
from adit.dimse.commands import Element, Field
from adit.errors import AditError, RetryableError
from adit.query import Level, Selection
from adit.transfer.instance import FileSlice, Instance

SUCCESS = 0x0000
# A list of UIDs in one request: 500 of 64 characters are 32 KiB, which peers take.
MAX_UIDS = 500


@dataclass(slots=True)
class Tally:
    """How the requests of one fetch ended, gathered while their instances are handed on."""

    completed: int = 0
    failed: int = 0
    error: AditError | None = None
    received: set[str] = field(default_factory=set)

    def finish(self, final: Message, association: Association) -> None:
        """Take in a final response; its error is kept until everything that came has been handed on."""
        self.completed += commands.number(final.command, Element.COMPLETED)
        self.completed += commands.number(final.command, Element.WARNING)
        self.failed += commands.number(final.command, Element.FAILED)
        self.error = self.error or query_error(final.status, "C-GET", association.peer)

    def settle(self, again: "Tally", missing: list[str]) -> None:
        """Take in a second try for those that failed: what is still missing is what failed."""
        still = [uid for uid in missing if uid not in again.received]
        self.completed += len(missing) - len(still)
        self.failed = len(still)
        self.error = again.error if still else None
        self.received |= again.received

    def outcome(self, server: str) -> AditError | None:
        """What is to be raised at the end: partial retrieval where some failed, else the peer's refusal."""
        if self.failed:
            return RetryableError(
                f"{server} sent {self.completed} of {self.completed + self.failed} instances and failed to send "
                f"{self.failed}; its own log says why",
                reason="PartialRetrieve",
            )
        return self.error


def identifiers(selection: Selection) -> Iterator[Dataset]:
    """One C-GET identifier per request: the study, or each of its series, or at most MAX_UIDS instances of one."""
    named = dict(selection.sop_instance_uids)
    series = dict.fromkeys((*selection.series_instance_uids, *named))
    if not series:
        yield _identifier(Level.STUDY, selection)
    for uid in series:
        if uid in named:
            for start in range(0, len(named[uid]), MAX_UIDS):
                some = list(named[uid][start : start + MAX_UIDS])
                yield _identifier(Level.IMAGE, selection, SeriesInstanceUID=uid, SOPInstanceUID=some)
        else:
            yield _identifier(Level.SERIES, selection, SeriesInstanceUID=uid)


def _identifier(level: Level, selection: Selection, **keys: str | list[str]) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level.value
    identifier.StudyInstanceUID = selection.study_instance_uid
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def get_model(find: tuple[QueryModel, ...]) -> QueryModel:
    """Study root where the server has it (what it finds by, it retrieves by)."""
    return "PatientRoot" if find == ("PatientRoot",) else "StudyRoot"


def send_get(association: Association, model: QueryModel, identifier: Dataset, patient_id: str, charset: str) -> None:
    """Send the request; patient root needs the patient's ID beside the UIDs."""
    peer = association.peer
    context = association.context(GET_MODELS[model])
    if context is None:
        raise NoContextAccepted(
            f"{peer.name} accepts no {model} C-GET from {peer.calling_ae_title}; allow it there, "
            "or put another way into spec.retrieveOrder"
        )
    request = Dataset(identifier)
    if model == "PatientRoot":
        request.PatientID = patient_id
    encoded = encode_identifier(request, charset, context.transfer_syntax, peer.name)
    command = commands.request(Field.C_GET_RQ, association.next_message_id(), GET_MODELS[model])
    association.send(context.context_id, command, [encoded])


def instances(association: Association, first: Message, tally: Tally) -> Iterator[Instance]:
    """Yield each instance once it is complete and acknowledged.

    The peer then sends the next one while the caller works on this one, and waits for its acknowledgement until the
    caller comes back: one instance ahead, never more.
    """
    message = first
    while True:
        if message.field == Field.C_STORE_RQ:
            yield _received(association, message, tally)
        elif message.field != Field.C_GET_RSP:
            raise association.protocol_error("something else than an answer to our C-GET")
        elif message.status not in (0xFF00, 0xFF01):
            tally.finish(message, association)
            return
        message = association.receive()


def _received(association: Association, message: Message, tally: Tally) -> Instance:
    context = association.context_of(message)
    sop_instance_uid = commands.text(message.command, Element.AFFECTED_SOP_INSTANCE_UID)
    path = message.file
    if path is None or not sop_instance_uid:
        raise association.protocol_error("an instance without a UID")
    association.send(message.context_id, commands.store_response(message.command, SUCCESS))
    tally.received.add(sop_instance_uid)
    return Instance(
        sop_class_uid=commands.text(message.command, Element.AFFECTED_SOP_CLASS_UID),
        sop_instance_uid=sop_instance_uid,
        transfer_syntax_uid=context.transfer_syntax,
        pieces=(FileSlice(path, 0, path.stat().st_size),),
    )
