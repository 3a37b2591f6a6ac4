"""C-FIND on an association: which information model a query needs, and its answers one by one (PS3.4 C.4.1)."""

import itertools
from collections.abc import Iterator
from threading import Timer

from pydicom import Dataset

from adit.api.dicom_server import QueryModel
from adit.connectors.dimse.association import Association, Message, NoContextAccepted
from adit.connectors.dimse.charset import UNREADABLE, decode_identifier, encode_identifier
from adit.connectors.dimse.contexts import FIND_MODELS
from adit.connectors.dimse.status import PENDING, of_query, query_error
from adit.connectors.query_dataset import RETURN_KEYS, query_dataset
from adit.dimse import commands
from adit.dimse.commands import Field
from adit.errors import AditError, PermanentError
from adit.query import Level, Query

# More than any archive has of one patient, study or day; a peer that never ends must not keep us for ever.
MAX_ANSWERS = 1_000_000
CANCEL_SECONDS = 1.0


def find_model(supported: tuple[QueryModel, ...], query: Query, server: str) -> QueryModel:
    """The model to ask in: study root unless it is a patient query, patient root where it is the only one.

    Raises PermanentError where the query lacks the unique keys of the levels above (PS3.4 C.4.1.2.2), which the peer
    would refuse with a number, or answer wrongly.
    """
    if not supported:
        raise PermanentError(f"{server} supports no C-FIND (spec.dimse.find is empty)", reason="FindUnsupported")
    preferred: QueryModel = "PatientRoot" if query.level is Level.PATIENT else "StudyRoot"
    model = preferred if preferred in supported else supported[0]
    required = _required_keys(model, query.level)
    missing = [field for field in required if not getattr(query, field) or set(getattr(query, field)) & set("*?")]
    if missing:
        raise PermanentError(
            f"a {query.level.value} query of {server} in {model} needs {' and '.join(missing)} without wildcards",
            reason="QueryIncomplete",
        )
    return model


def _required_keys(model: QueryModel, level: Level) -> tuple[str, ...]:
    patient = ("patient_id",) if model == "PatientRoot" and level is not Level.PATIENT else ()
    study = ("study_instance_uid",) if level in (Level.SERIES, Level.IMAGE) else ()
    series = ("series_instance_uid",) if level is Level.IMAGE else ()
    return (*patient, *study, *series)


def send_find(association: Association, model: QueryModel, query: Query, character_set: str) -> None:
    """Send the request; a study-root peer is asked for patients by their studies."""
    peer = association.peer
    context = association.context(FIND_MODELS[model])
    if context is None:
        raise NoContextAccepted(
            f"{peer.name} accepts no {model} C-FIND from {peer.calling_ae_title}; allow it there, or "
            "change spec.dimse.find"
        )
    level = Level.STUDY if model == "StudyRoot" and query.level is Level.PATIENT else query.level
    identifier = encode_identifier(query_dataset(query, level), character_set, context.transfer_syntax, peer.name)
    command = commands.request(Field.C_FIND_RQ, association.next_message_id(), FIND_MODELS[model])
    association.send(context.context_id, command, [identifier])


def answers(association: Association, first: Message, *, most: int = MAX_ANSWERS) -> Iterator[Dataset]:
    """The data sets of the pending responses; raises the error of a final status that is none.

    Raises PermanentError with reason AnswerTooLarge where there are more than `most`.
    """
    message = first
    for count in itertools.count(1):
        if message.field != Field.C_FIND_RSP:
            raise association.protocol_error("something else than an answer to our C-FIND")
        if of_query(message.status) is not PENDING:
            break
        if count > most:
            raise PermanentError(
                f"{association.peer.name} gives more than {most} answers: ask for less, or by more keys",
                reason="AnswerTooLarge",
            )
        syntax = association.context_of(message).transfer_syntax
        try:
            answer = decode_identifier(message.data, syntax)
        except UNREADABLE as error:
            raise association.protocol_error("an answer that cannot be read") from error
        yield answer
        message = association.receive()
    refusal = query_error(message.status, "C-FIND", association.peer)
    if refusal is not None:
        raise refusal


def cancel(association: Association, model: QueryModel) -> bool:
    """End a search of which enough is known: C-CANCEL (PS3.4 C.4.1.1.4), and a short wait for its answer.

    Whether the association is free again; a peer that goes on answering, or hangs, is aborted.
    """
    context = association.context(FIND_MODELS[model])
    assert context is not None, "the search was asked on it"
    patience = Timer(CANCEL_SECONDS, association.abort)
    patience.start()
    try:
        association.cancel(association.last_message_id, context.context_id)
        message = association.receive()
        while message.field == Field.C_FIND_RSP and of_query(message.status) is PENDING:
            message = association.receive()
    except AditError:
        return False
    finally:
        patience.cancel()
    return association.usable and message.field == Field.C_FIND_RSP


def patients(studies: Iterator[Dataset]) -> Iterator[Dataset]:
    """The patients of studies, each once, with the patient's own keys only."""
    seen: set[tuple[str, ...]] = set()
    for study in studies:
        identity = tuple(str(study.get(keyword, "")) for keyword in ("PatientID", "IssuerOfPatientID"))
        if not identity[0]:
            identity = tuple(str(study.get(keyword, "")) for keyword in ("PatientName", "PatientBirthDate"))
        if identity in seen:
            continue
        seen.add(identity)
        patient = Dataset()
        for keyword in ("SpecificCharacterSet", *RETURN_KEYS[Level.PATIENT]):
            if keyword in study:
                patient[keyword] = study[keyword]
        patient.QueryRetrieveLevel = Level.PATIENT.value
        yield patient
