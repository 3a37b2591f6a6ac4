"""10^5 mutated PDUs and command sets: each is read or refused with an error of ours, and leaves no memory."""

import tracemalloc
from collections.abc import Callable, Sequence

import pytest

from adit.dimse import commands, pdu
from adit.dimse.commands import Field
from adit.dimse.errors import ProtocolViolation
from adit.dimse.negotiation import Accepting, Proposal, agreed, answer, refusal, request_for
from adit.dimse.pdu import Abort, AssociateAccept, AssociateReject, AssociateRequest, ReleaseReply, ReleaseRequest
from tests.core.dimse.associations import CT, TYPICAL
from tests.core.dimse.mutations import mutated

PDUS = 60_000
COMMANDS = 40_000
MAY_STAY = 256 << 10  # bytes; a leak of 10 bytes for each would be more
REQUESTS = TYPICAL[:2]
ACCEPT = Accepting(reversible=True)
SAMPLES = [
    *(pdu.encode(one) for one in REQUESTS),
    *(pdu.encode(answer(one, ACCEPT, identity_answer=b"ticket")) for one in REQUESTS),
    *(pdu.encode(one) for one in (AssociateReject(1, 1, 7), Abort(2, 1), ReleaseRequest(), ReleaseReply())),
]
STORE = commands.request(Field.C_STORE_RQ, 7, CT, "1.2.3.4", originator=("ADIT", 3))
COMMAND_SAMPLES = [
    commands.encode(one)
    for one in (
        STORE,
        commands.request(Field.C_MOVE_RQ, 8, CT, destination="ARCHIVE_1"),
        commands.request(Field.C_ECHO_RQ, 9, "1.2.840.10008.1.1"),
        commands.response(STORE, 0xA700, "no room"),
        commands.cancel(8),
    )
]


def taken(encoded: bytes) -> bool:
    """Whether a PDU is understood, and then negotiated to its end."""
    if len(encoded) < pdu.HEADER.size:
        return False
    kind, _ = pdu.HEADER.unpack_from(encoded)
    try:
        value = pdu.decode(kind, memoryview(encoded)[pdu.HEADER.size :])
        if isinstance(value, AssociateRequest):
            refusal(value, ae_titles={"PACS"})
            agreed(value, answer(value, ACCEPT))
            pdu.encode(answer(value, ACCEPT))
        elif isinstance(value, AssociateAccept):
            agreed(REQUESTS[0], value)
    except ProtocolViolation:
        return False
    return True


def understood(encoded: bytes) -> bool:
    """Whether a command set is; then it can also be answered."""
    try:
        command = commands.decode(encoded)
    except ValueError:
        return False
    commands.encode(commands.response(command, 0))
    return True


@pytest.mark.parametrize(
    ("samples", "count", "read"), [(SAMPLES, PDUS, taken), (COMMAND_SAMPLES, COMMANDS, understood)]
)
def test_mutated_messages_are_read_or_refused_and_leave_nothing_behind(
    samples: Sequence[bytes], count: int, read: Callable[[bytes], bool]
) -> None:
    for encoded in mutated(samples, 500, seed=1):
        read(encoded)
    outcomes = [sum(map(read, mutated(samples, count, seed=2)))]
    tracemalloc.start()
    try:
        for encoded in mutated(samples, 500, seed=3):
            read(encoded)
        before, _ = tracemalloc.get_traced_memory()
        outcomes.append(sum(map(read, mutated(samples, count // 20, seed=4))))
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < MAY_STAY
    assert peak < 16 * MAY_STAY
    assert 0 < outcomes[0] < count  # a mutator that changes nothing, or everything, would prove nothing


def test_a_request_that_was_never_made_has_no_answer() -> None:
    """The sample of an acceptance is one that agreed() takes, else the mutations of it would all fail at once."""
    assert taken(pdu.encode(answer(REQUESTS[0], ACCEPT)))
    assert agreed(request_for("PACS", "ADIT", (Proposal(CT, ("1.2",)),)), AssociateAccept("", "", ())) == {}
