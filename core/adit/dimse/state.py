"""The DICOM upper layer state machine (PS3.8 §9.2, Tables 9-1 to 9-10) as data, to be laid beside the standard.

What happens on a connection is judged by it; the doing of an action is the association's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from adit.dimse.pdu import PduType


class State(IntEnum):
    """Where an association is (PS3.8 Tables 9-1 to 9-5)."""

    STA1 = 1  # idle
    STA2 = 2  # transport connection open: awaiting A-ASSOCIATE-RQ
    STA3 = 3  # awaiting the local response to an association that a peer asks for
    STA4 = 4  # awaiting the transport connection
    STA5 = 5  # awaiting A-ASSOCIATE-AC or -RJ
    STA6 = 6  # association established, ready for data transfer
    STA7 = 7  # awaiting A-RELEASE-RP
    STA8 = 8  # awaiting the local response to a release that a peer asks for
    STA9 = 9  # release collision, requestor side: awaiting the local response
    STA10 = 10  # release collision, acceptor side: awaiting A-RELEASE-RP
    STA11 = 11  # release collision, requestor side: awaiting A-RELEASE-RP
    STA12 = 12  # release collision, acceptor side: awaiting the local response
    STA13 = 13  # awaiting the end of the transport connection: the association exists no longer


class Event(IntEnum):
    """What can happen (the rows of PS3.8 Table 9-10)."""

    ASSOCIATE_REQUEST = 1
    CONNECTED = 2
    ASSOCIATE_AC_PDU = 3
    ASSOCIATE_RJ_PDU = 4
    CONNECTION_INDICATION = 5
    ASSOCIATE_RQ_PDU = 6
    ASSOCIATE_ACCEPT = 7
    ASSOCIATE_REJECT = 8
    P_DATA_REQUEST = 9
    P_DATA_TF_PDU = 10
    RELEASE_REQUEST = 11
    RELEASE_RQ_PDU = 12
    RELEASE_RP_PDU = 13
    RELEASE_RESPONSE = 14
    ABORT_REQUEST = 15
    ABORT_PDU = 16
    CONNECTION_CLOSED = 17
    ARTIM_EXPIRED = 18
    INVALID_PDU = 19


@dataclass(frozen=True, slots=True)
class Action:
    """One action of PS3.8 Tables 9-6 to 9-9."""

    name: str
    meaning: str


AE_1 = Action("AE-1", "open the transport connection")
AE_2 = Action("AE-2", "send A-ASSOCIATE-RQ")
AE_3 = Action("AE-3", "tell that the association is accepted")
AE_4 = Action("AE-4", "tell that the association is rejected, close the connection")
AE_5 = Action("AE-5", "answer the transport connection, start ARTIM")
AE_6 = Action("AE-6", "stop ARTIM; tell of the request, or send A-ASSOCIATE-RJ and start ARTIM (then Sta13)")
AE_7 = Action("AE-7", "send A-ASSOCIATE-AC")
AE_8 = Action("AE-8", "send A-ASSOCIATE-RJ, start ARTIM")
DT_1 = Action("DT-1", "send P-DATA-TF")
DT_2 = Action("DT-2", "tell of the data")
AR_1 = Action("AR-1", "send A-RELEASE-RQ")
AR_2 = Action("AR-2", "tell that the peer wants to release")
AR_3 = Action("AR-3", "tell that it is released, close the connection")
AR_4 = Action("AR-4", "send A-RELEASE-RP, start ARTIM")
AR_5 = Action("AR-5", "stop ARTIM")
AR_6 = Action("AR-6", "tell of the data")
AR_7 = Action("AR-7", "send P-DATA-TF")
AR_8 = Action(
    "AR-8", "tell of a release collision; the requestor of the association goes to Sta9, the acceptor to Sta10"
)
AR_9 = Action("AR-9", "send A-RELEASE-RP")
AR_10 = Action("AR-10", "tell that the release is confirmed")
AA_1 = Action("AA-1", "send A-ABORT as service user, (re)start ARTIM")
AA_2 = Action("AA-2", "stop ARTIM, close the connection")
AA_3 = Action("AA-3", "tell of the abort, close the connection")
AA_4 = Action("AA-4", "tell of a provider's abort")
AA_5 = Action("AA-5", "stop ARTIM")
AA_6 = Action("AA-6", "ignore the PDU")
AA_7 = Action("AA-7", "send A-ABORT")
AA_8 = Action("AA-8", "send A-ABORT as service provider, tell of it, start ARTIM")

# The state after an action. AE-6 and AR-8 have two: this is the first that the standard names.
NEXT: Final[Mapping[Action, State]] = {
    AE_1: State.STA4, AE_2: State.STA5, AE_3: State.STA6, AE_4: State.STA1,
    AE_5: State.STA2, AE_6: State.STA3, AE_7: State.STA6, AE_8: State.STA13,
    DT_1: State.STA6, DT_2: State.STA6,
    AR_1: State.STA7, AR_2: State.STA8, AR_3: State.STA1, AR_4: State.STA13, AR_5: State.STA1,
    AR_6: State.STA7, AR_7: State.STA8, AR_8: State.STA9, AR_9: State.STA11, AR_10: State.STA12,
    AA_1: State.STA13, AA_2: State.STA1, AA_3: State.STA1, AA_4: State.STA1,
    AA_5: State.STA1, AA_6: State.STA13, AA_7: State.STA13, AA_8: State.STA13,
}  # fmt: skip

_: Final = None
# PS3.8 Table 9-10, row by row and column by column: an empty field is what cannot happen, or may not be asked for.
_TABLE: Final[Mapping[Event, tuple[Action | None, ...]]] = {
    #                            Sta1  Sta2  Sta3  Sta4  Sta5  Sta6  Sta7  Sta8  Sta9  Sta10  Sta11 Sta12  Sta13
    Event.ASSOCIATE_REQUEST:     (AE_1, _,    _,    _,    _,    _,    _,    _,    _,    _,     _,    _,     _),
    Event.CONNECTED:             (_,    _,    _,    AE_2, _,    _,    _,    _,    _,    _,     _,    _,     _),
    Event.ASSOCIATE_AC_PDU:      (_,    AA_1, AA_8, _,    AE_3, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8,  AA_6),
    Event.ASSOCIATE_RJ_PDU:      (_,    AA_1, AA_8, _,    AE_4, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8,  AA_6),
    Event.CONNECTION_INDICATION: (AE_5, _,    _,    _,    _,    _,    _,    _,    _,    _,     _,    _,     _),
    Event.ASSOCIATE_RQ_PDU:      (_,    AE_6, AA_8, _,    AA_8, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8,  AA_7),
    Event.ASSOCIATE_ACCEPT:      (_,    _,    AE_7, _,    _,    _,    _,    _,    _,    _,     _,    _,     _),
    Event.ASSOCIATE_REJECT:      (_,    _,    AE_8, _,    _,    _,    _,    _,    _,    _,     _,    _,     _),
    Event.P_DATA_REQUEST:        (_,    _,    _,    _,    _,    DT_1, _,    AR_7, _,    _,     _,    _,     _),
    Event.P_DATA_TF_PDU:         (_,    AA_1, AA_8, _,    AA_8, DT_2, AR_6, AA_8, AA_8, AA_8,  AA_8, AA_8,  AA_6),
    Event.RELEASE_REQUEST:       (_,    _,    _,    _,    _,    AR_1, _,    _,    _,    _,     _,    _,     _),
    Event.RELEASE_RQ_PDU:        (_,    AA_1, AA_8, _,    AA_8, AR_2, AR_8, AA_8, AA_8, AA_8,  AA_8, AA_8,  AA_6),
    Event.RELEASE_RP_PDU:        (_,    AA_1, AA_8, _,    AA_8, AA_8, AR_3, AA_8, AA_8, AR_10, AR_3, AA_8,  AA_6),
    Event.RELEASE_RESPONSE:      (_,    _,    _,    _,    _,    _,    _,    AR_4, AR_9, _,     _,    AR_4,  _),
    Event.ABORT_REQUEST:         (_,    _,    AA_1, AA_2, AA_1, AA_1, AA_1, AA_1, AA_1, AA_1,  AA_1, AA_1,  _),
    Event.ABORT_PDU:             (_,    AA_2, AA_3, _,    AA_3, AA_3, AA_3, AA_3, AA_3, AA_3,  AA_3, AA_3,  AA_2),
    Event.CONNECTION_CLOSED:     (_,    AA_5, AA_4, AA_4, AA_4, AA_4, AA_4, AA_4, AA_4, AA_4,  AA_4, AA_4,  AR_5),
    Event.ARTIM_EXPIRED:         (_,    AA_2, _,    _,    _,    _,    _,    _,    _,    _,     _,    _,     AA_2),
    Event.INVALID_PDU:           (_,    AA_1, AA_8, _,    AA_8, AA_8, AA_8, AA_8, AA_8, AA_8,  AA_8, AA_8,  AA_7),
}  # fmt: skip

TRANSITIONS: Final[Mapping[tuple[Event, State], tuple[Action, State]]] = {
    (event, State(column)): (action, NEXT[action])
    for event, row in _TABLE.items()
    for column, action in enumerate(row, start=1)
    if action is not None
}

_RECEIVED: Final[Mapping[int, Event]] = {
    PduType.ASSOCIATE_RQ: Event.ASSOCIATE_RQ_PDU,
    PduType.ASSOCIATE_AC: Event.ASSOCIATE_AC_PDU,
    PduType.ASSOCIATE_RJ: Event.ASSOCIATE_RJ_PDU,
    PduType.P_DATA_TF: Event.P_DATA_TF_PDU,
    PduType.RELEASE_RQ: Event.RELEASE_RQ_PDU,
    PduType.RELEASE_RP: Event.RELEASE_RP_PDU,
    PduType.ABORT: Event.ABORT_PDU,
}


def event_of(kind: int) -> Event:
    """The event of a PDU of this type that arrives; a type that does not exist is an invalid PDU."""
    return _RECEIVED.get(kind, Event.INVALID_PDU)


def collision_state(*, requestor: bool) -> State:
    """Where AR-8 leads: who asked for the association goes to Sta9, who accepted it to Sta10."""
    return State.STA9 if requestor else State.STA10
