"""Association PDUs: what goes out comes in the same, pynetdicom reads it alike, and no length is believed."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, A_RELEASE_RP, A_RELEASE_RQ

from adit.dimse import pdu
from adit.dimse.errors import ProtocolViolation
from adit.dimse.pdu import (
    Abort,
    AnsweredContext,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    Pdu,
    PduType,
    ProposedContext,
    ReleaseReply,
    ReleaseRequest,
)
from tests.core.dimse.associations import TYPICAL, pdus

CT, EXPLICIT, IMPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
REQUEST = AssociateRequest("PACS_1", "ADIT", (ProposedContext(1, CT, (EXPLICIT, IMPLICIT)),))


def read(encoded: bytes) -> Pdu:
    kind, length = pdu.HEADER.unpack_from(encoded)
    assert length == len(encoded) - pdu.HEADER.size
    return pdu.decode(kind, memoryview(encoded)[pdu.HEADER.size :])


@given(pdus)
def test_what_is_encoded_is_decoded_the_same(value: Pdu) -> None:
    assert read(pdu.encode(value)) == value


@pytest.mark.parametrize("sent", TYPICAL)
def test_pynetdicom_reads_a_request_as_we_do(sent: AssociateRequest) -> None:
    theirs = A_ASSOCIATE_RQ()
    theirs.decode(pdu.encode(sent))
    assert (theirs.called_ae_title, theirs.calling_ae_title) == (sent.called_ae_title, sent.calling_ae_title)
    assert [
        (one.context_id, one.abstract_syntax, tuple(one.transfer_syntax)) for one in theirs.presentation_context
    ] == [(one.context_id, one.abstract_syntax, one.transfer_syntaxes) for one in sent.contexts]
    assert theirs.user_information is not None
    assert theirs.user_information.maximum_length == sent.user_information.max_length


@pytest.mark.parametrize("sent", TYPICAL)
def test_we_read_what_pynetdicom_encodes(sent: AssociateRequest) -> None:
    theirs = A_ASSOCIATE_RQ()
    theirs.decode(pdu.encode(sent))
    again = read(theirs.encode())
    assert isinstance(again, AssociateRequest)
    assert (again.called_ae_title, again.contexts) == (sent.called_ae_title, sent.contexts)
    assert again.user_information == sent.user_information


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (A_ABORT_RQ, Abort(2, 6)),
        (A_ASSOCIATE_RJ, AssociateReject(1, 1, 7)),
        (A_RELEASE_RQ, ReleaseRequest()),
        (A_RELEASE_RP, ReleaseReply()),
    ],
)
def test_pynetdicom_encodes_the_short_ones_alike(theirs: type, ours: Pdu) -> None:
    other = theirs()
    other.decode(pdu.encode(ours))
    assert other.encode() == pdu.encode(ours)


def test_pynetdicom_reads_our_acceptance() -> None:
    accept = AssociateAccept("PACS", "ADIT", (AnsweredContext(1, 0, EXPLICIT), AnsweredContext(3, 4, IMPLICIT)))
    theirs = A_ASSOCIATE_AC()
    theirs.decode(pdu.encode(accept))
    assert [(one.context_id, one.result) for one in theirs.presentation_context] == [(1, 0), (3, 4)]
    assert theirs.presentation_context[0].transfer_syntax == EXPLICIT


@pytest.mark.parametrize("title", [b"PACS_1\0\0garbage\0\0", b"  PACS_1        ", b"PACS_1\0         "])
def test_blanks_and_nulls_around_an_ae_title_do_not_count(title: bytes) -> None:
    encoded = bytearray(pdu.encode(REQUEST))
    encoded[10:26] = title.ljust(16)[:16]
    decoded = read(bytes(encoded))
    assert isinstance(decoded, AssociateRequest)
    assert decoded.called_ae_title == "PACS_1"


def test_an_ae_title_that_cannot_be_shown_is_equal_to_none_that_can() -> None:
    encoded = bytearray(pdu.encode(REQUEST))
    encoded[10:26] = b"PACS\x1b[2J\xff".ljust(16)
    decoded = read(bytes(encoded))
    assert isinstance(decoded, AssociateRequest)
    assert decoded.called_ae_title == "PACS\ufffd[2J\ufffd"


@pytest.mark.parametrize("padding", [b"\0", b" ", b"\0\0"])
def test_a_padded_uid_is_the_uid(padding: bytes) -> None:
    padded = item(0x30, CT.encode() + padding), item(0x40, EXPLICIT.encode() + padding)
    decoded = pdu.decode(1, associate(item(0x20, bytes((1, 0, 0, 0)) + b"".join(padded))))
    assert isinstance(decoded, AssociateRequest)
    assert decoded.contexts == (ProposedContext(1, CT, (EXPLICIT,)),)


def test_items_of_unknown_types_are_passed_over() -> None:
    decoded = pdu.decode(1, associate(item(0x99, b"whatever"), context(1)))
    assert isinstance(decoded, AssociateRequest)
    assert len(decoded.contexts) == 1


def test_the_transfer_syntax_of_what_is_not_accepted_is_not_read() -> None:
    refused = item(0x21, bytes((1, 0, 3, 0)) + item(0x40, b"nonsense"))
    decoded = pdu.decode(2, associate(refused, item(0x21, bytes((3, 0, 4, 0)))))
    assert isinstance(decoded, AssociateAccept)
    assert decoded.contexts == (AnsweredContext(1, 3), AnsweredContext(3, 4))


def test_128_contexts_have_room_and_no_more() -> None:
    full = tuple(ProposedContext(2 * n + 1, CT, (EXPLICIT,)) for n in range(128))
    request = AssociateRequest("PACS", "ADIT", full)
    assert read(pdu.encode(request)) == request
    with pytest.raises(ValueError, match="room for 128"):
        pdu.encode(AssociateRequest("PACS", "ADIT", (*full, full[0])))


@pytest.mark.parametrize("kind", [0, 4, 8, 255])
def test_a_type_that_makes_no_association_pdu_is_a_violation(kind: int) -> None:
    with pytest.raises(ProtocolViolation):
        pdu.decode(kind, bytes(4))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "ends before"),
        (bytes(67), "ends before"),
        (bytes(pdu.MAX_ASSOCIATE_LENGTH + 1), "with 1048577 bytes"),
        (lambda: associate(b"\x20\0\xff\xff"), "ends before"),
        (lambda: associate(context(2)), "even id"),
        (lambda: associate(context(3), context(3)), "two presentation contexts"),
        (lambda: associate(item(0x20, bytes((1, 0, 0, 0)) + item(0x30, CT.encode()))), "without abstract or transfer"),
        (lambda: associate(item(0x20, bytes((1, 0, 0, 0)) + item(0x30, b"1" * 65))), "no UID"),
        (lambda: associate(item(0x20, bytes((1, 0, 0, 0)) + item(0x30, b"../etc"))), "no UID"),
        (lambda: associate(*[item(0x99, b"")] * 1025), "more than 1024 items"),
    ],
)
def test_what_is_no_request_is_a_violation(body: bytes | Callable[[], bytes], why: str) -> None:
    with pytest.raises(ProtocolViolation, match=why):
        pdu.decode(1, body if isinstance(body, bytes) else body())


def test_what_is_accepted_without_a_transfer_syntax_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation, match="without a transfer syntax"):
        pdu.decode(2, associate(item(0x21, bytes((1, 0, 0, 0)))))


@pytest.mark.parametrize("kind", [PduType.ASSOCIATE_RJ, PduType.RELEASE_RQ, PduType.RELEASE_RP, PduType.ABORT])
@pytest.mark.parametrize("length", [0, 3, 5])
def test_a_short_pdu_has_exactly_four_bytes(kind: PduType, length: int) -> None:
    with pytest.raises(ProtocolViolation):
        pdu.decode(kind, bytes(length))


@pytest.mark.parametrize("context_id", [0, 2, 257])
def test_our_own_wrong_context_ids_are_not_sent(context_id: int) -> None:
    with pytest.raises(ValueError, match="not the id"):
        pdu.encode(AssociateRequest("PACS", "ADIT", (ProposedContext(context_id, CT, (EXPLICIT,)),)))


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def context(context_id: int) -> bytes:
    return item(0x20, bytes((context_id, 0, 0, 0)) + item(0x30, CT.encode()) + item(0x40, EXPLICIT.encode()))


def associate(*items: bytes) -> bytes:
    """What follows the header of an association PDU."""
    return struct.pack(">Hxx16s16s32x", 1, b"PACS", b"ADIT") + b"".join(items)
