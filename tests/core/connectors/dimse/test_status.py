"""Every number of a peer's has one meaning: an outcome, an error, or nothing to worry about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.status import PENDING, of_query, query_error, rejection_error, store_outcome
from adit.errors import AccessDenied, PeerUnavailable, PermanentError, RetryableError

PEER = Peer("archive", "pacs.example", 11112, "PACS", "ADIT", 10, 60)
STATUSES = st.integers(0, 0xFFFF)


@pytest.mark.parametrize(
    ("status", "stored", "retryable", "reason"),
    [
        (0x0000, True, False, ""),
        (0x0111, True, False, "AlreadyStored"),
        (0xB000, True, False, "ElementsCoerced"),
        (0xB006, True, False, "ElementsDiscarded"),
        (0xB007, True, False, "SopClassMismatch"),
        (0xA700, False, True, "OutOfResources"),
        (0xA7FF, False, True, "OutOfResources"),
        (0xA900, False, False, "SopClassMismatch"),
        (0xC000, False, False, "CannotUnderstand"),
        (0xCFFF, False, False, "CannotUnderstand"),
        (0x0122, False, False, "SopClassNotSupported"),
        (0x0124, False, False, "NotAuthorized"),
        (0x0110, False, True, "ProcessingFailure"),
        (0x4242, False, True, "UnableToProcess"),
    ],
)
def test_a_store_status_becomes_an_outcome(status: int, *, stored: bool, retryable: bool, reason: str) -> None:
    outcome = store_outcome("1.2.3", status, PEER)
    assert (outcome.stored, outcome.retryable, outcome.reason, outcome.status) == (stored, retryable, reason, status)
    assert status == 0 or f"{status:#06x}" in outcome.message


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (0xA700, RetryableError, "OutOfResources"),
        (0xA702, RetryableError, "OutOfResources"),
        (0xA900, PermanentError, "IdentifierMismatch"),
        (0xC001, RetryableError, "UnableToProcess"),
        (0xFE00, RetryableError, "CanceledByPeer"),
        (0x0122, PermanentError, "SopClassNotSupported"),
        (0x0124, AccessDenied, "PeerRefusedAccess"),
        (0x0211, PermanentError, "UnrecognizedOperation"),
    ],
)
def test_a_query_status_becomes_an_error_that_names_the_server(status: int, kind: type, reason: str) -> None:
    error = query_error(status, "C-FIND", PEER)
    assert error is not None
    assert type(error) is kind
    assert error.reason == reason
    assert error.message.startswith("archive ")


def test_success_is_no_error_and_neither_is_partial_success_which_the_counts_tell() -> None:
    assert query_error(0x0000, "C-GET", PEER) is None
    assert query_error(0xB000, "C-GET", PEER) is None


@pytest.mark.parametrize("status", [0xFF00, 0xFF01])
def test_pending_means_that_more_comes(status: int) -> None:
    assert of_query(status) is PENDING


@given(STATUSES)
def test_no_status_is_without_a_meaning(status: int) -> None:
    outcome = store_outcome("1.2.3", status, PEER)
    assert outcome.stored or outcome.message
    assert of_query(status) is PENDING or query_error(status, "C-FIND", PEER) is None or status != 0


def test_a_wrong_ae_title_is_said_with_both_titles_and_the_field_to_change() -> None:
    calling, called = rejection_error(PEER, 1, 1, 3), rejection_error(PEER, 1, 1, 7)
    assert isinstance(calling, AccessDenied)
    assert isinstance(called, AccessDenied)
    assert "ADIT" in calling.message
    assert "spec.dimse.callingAeTitle" in calling.message
    assert "PACS" in called.message
    assert "spec.aeTitle" in called.message


@pytest.mark.parametrize(
    ("source", "diagnostic", "why"), [(3, 2, "too many"), (3, 1, "congested"), (1, 1, "no reason")]
)
def test_any_other_rejection_for_now_is_waited_out(source: int, diagnostic: int, why: str) -> None:
    error = rejection_error(PEER, 2, source, diagnostic)
    assert isinstance(error, PeerUnavailable)
    assert why in error.message
    assert "pacs.example:11112" in error.message


@pytest.mark.parametrize(
    ("source", "diagnostic", "why"), [(1, 1, "no reason"), (1, 2, "application context"), (2, 2, "protocol version")]
)
def test_a_permanent_rejection_is_a_persons_business(source: int, diagnostic: int, why: str) -> None:
    error = rejection_error(PEER, 1, source, diagnostic)
    assert isinstance(error, AccessDenied)
    assert error.reason == "AssociationRejected"
    assert "archive at pacs.example:11112 rejected the association of ADIT with PACS permanently" in error.message
    assert why in error.message
