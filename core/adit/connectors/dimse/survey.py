"""A look at a peer on one association: what it accepts of all that its description claims, an echo, and a search.

For `adit doctor`. The search is for a study that cannot exist, so that no patient's data comes.
"""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pydicom import uid

from adit.api.dicom_server import QueryModel
from adit.connectors.dimse import contexts
from adit.connectors.dimse.association import Association
from adit.connectors.dimse.find import answers, find_model, send_find
from adit.connectors.dimse.peer import Peer, dimse_of
from adit.connectors.dimse.session import Session
from adit.connectors.dimse.status import query_error
from adit.connectors.target import Target
from adit.dimse import commands
from adit.dimse.commands import Field
from adit.dimse.negotiation import Proposal
from adit.query import Level, Query

# The nil UUID as a UID (PS3.5 B.2): no study was ever given it.
NO_STUDY, NO_PATIENT = "2.25.0", "ADIT-DOCTOR-NOBODY"
_NOBODY = Query(Level.STUDY, patient_id=NO_PATIENT, study_instance_uid=NO_STUDY)
MOVE_MODELS: dict[QueryModel, str] = {
    "StudyRoot": "1.2.840.10008.5.1.4.1.2.2.2",
    "PatientRoot": "1.2.840.10008.5.1.4.1.2.1.2",
}
# What most archives hold; a peer that takes none of them takes nothing that matters.
_STORAGE = (
    "1.2.840.10008.5.1.4.1.1.2",  # CT
    "1.2.840.10008.5.1.4.1.1.4",  # MR
    "1.2.840.10008.5.1.4.1.1.1",  # Computed Radiography
    "1.2.840.10008.5.1.4.1.1.1.1",  # Digital X-Ray
    "1.2.840.10008.5.1.4.1.1.6.1",  # Ultrasound
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
)
_MODELS: tuple[QueryModel, ...] = ("PatientRoot", "StudyRoot")
SURVEY: tuple[Proposal, ...] = (
    Proposal(contexts.VERIFICATION, (uid.ImplicitVRLittleEndian,)),
    *(
        Proposal(service[model], contexts.UNCOMPRESSED)
        for service in (contexts.FIND_MODELS, contexts.GET_MODELS, MOVE_MODELS)
        for model in _MODELS
    ),
    *(Proposal(one, contexts.UNCOMPRESSED) for one in _STORAGE),
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The services whose presentation contexts the peer accepted."""

    echo: bool
    find: frozenset[QueryModel]
    get: frozenset[QueryModel]
    move: frozenset[QueryModel]
    store: bool


class Survey:
    """Used by one thread, `abort` by any; leaving it releases the association."""

    def __init__(self, target: Target) -> None:
        self.peer = Peer.of(target)
        self._dimse = dimse_of(target)
        self._session = Session(self.peer)

    @property
    def model(self) -> QueryModel | None:
        """The model that `find` asks in; None where the description claims no C-FIND."""
        return find_model(self._dimse.find, _NOBODY, self.peer.name) if self._dimse.find else None

    def associate(self) -> Accepted:
        """Propose everything. Raises PeerUnavailable, AccessDenied, or NoContextAccepted."""
        association = self._session.associate(SURVEY)
        return Accepted(
            echo=association.context(contexts.VERIFICATION) is not None,
            find=_models(association, contexts.FIND_MODELS),
            get=_models(association, contexts.GET_MODELS),
            move=_models(association, MOVE_MODELS),
            store=any(association.context(one) is not None for one in _STORAGE),
        )

    def echo(self) -> None:
        """C-ECHO, whose context must have been accepted. Raises what the peer answers instead of success."""

        def send(association: Association) -> None:
            context = association.context(contexts.VERIFICATION)
            assert context is not None, "asked before"
            command = commands.request(Field.C_ECHO_RQ, association.next_message_id(), contexts.VERIFICATION)
            association.send(context.context_id, command)

        with self._session.exchange(SURVEY, send) as (_, answer):
            error = query_error(answer.status, "C-ECHO", self.peer)
        if error is not None:
            raise error

    def find(self) -> bool:
        """Search for what cannot exist; whether there are answers all the same. None of them is kept."""
        model = find_model(self._dimse.find, _NOBODY, self.peer.name)

        def send(association: Association) -> None:
            send_find(association, model, _NOBODY, self._dimse.specific_character_set)

        with self._session.exchange(SURVEY, send) as (association, first):
            for _ in answers(association, first):
                self._session.drop(association)
                return True
        return False

    def abort(self) -> None:
        """End everything at once."""
        self._session.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()


def _models(association: Association, service: dict[QueryModel, str]) -> frozenset[QueryModel]:
    return frozenset(model for model in _MODELS if association.context(service[model]) is not None)
