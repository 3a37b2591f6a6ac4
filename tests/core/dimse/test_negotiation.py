"""What both sides agree on: contexts, roles, window, and the refusal of whole requests."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.dimse import negotiation, pdu
from adit.dimse.errors import ProtocolViolation
from adit.dimse.negotiation import Accepting, PresentationContext, Proposal, agreed, answer, refusal, request_for
from adit.dimse.pdu import AnsweredContext, AssociateAccept, AssociateReject, AssociateRequest, ContextResult
from adit.dimse.user_information import OperationsWindow, RoleSelection, UserIdentity, UserInformation
from tests.core.dimse.associations import requests

CT, MR, GET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.2.2.3"
EXPLICIT, IMPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70"
EVERYTHING = Accepting(reversible=True)


def ask(*proposals: Proposal, window: int = 1) -> AssociateRequest:
    return request_for("PACS", "ADIT", proposals, window=window)


def test_contexts_get_odd_ids_in_their_order() -> None:
    assert [one.context_id for one in ask(*[Proposal(CT, (EXPLICIT,))] * 128).contexts] == list(range(1, 256, 2))
    with pytest.raises(ValueError, match="room for 128"):
        ask(*[Proposal(CT, (EXPLICIT,))] * 129)


def test_an_acceptor_that_likes_all_takes_what_the_requestor_likes_best() -> None:
    request = ask(Proposal(CT, (JPEG, EXPLICIT)))
    assert agreed(request, answer(request, EVERYTHING)) == {1: PresentationContext(1, CT, JPEG)}


def test_an_acceptor_with_a_liking_takes_its_own_first() -> None:
    request = ask(Proposal(CT, (JPEG, EXPLICIT, IMPLICIT)))
    answered = answer(request, Accepting(transfer_syntaxes=(IMPLICIT, EXPLICIT)))
    assert answered.contexts == (AnsweredContext(1, ContextResult.ACCEPTANCE, IMPLICIT),)


@pytest.mark.parametrize(
    ("acceptance", "result"),
    [
        (Accepting(sop_classes={MR}), ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
        (Accepting(transfer_syntaxes=(IMPLICIT,)), ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED),
    ],
)
def test_a_context_is_declined_with_its_reason(acceptance: Accepting, result: ContextResult) -> None:
    request = ask(Proposal(CT, (EXPLICIT,)))
    answered = answer(request, acceptance)
    assert [one.result for one in answered.contexts] == [result]
    assert agreed(request, answered) == {}


@pytest.mark.parametrize(
    ("proposals", "roles"),
    [
        ((Proposal(CT, (EXPLICIT,)),), ()),
        ((Proposal(CT, (EXPLICIT,), reverse=True),), (RoleSelection(CT, scu=False, scp=True),)),
        ((Proposal(CT, (JPEG,)), Proposal(CT, (EXPLICIT,), reverse=True)), (RoleSelection(CT, scu=True, scp=True),)),
        (
            (Proposal(CT, (JPEG,), reverse=True), Proposal(CT, (EXPLICIT,), reverse=True)),
            (RoleSelection(CT, scu=False, scp=True),),
        ),
    ],
)
def test_roles_are_asked_for_by_sop_class(proposals: tuple[Proposal, ...], roles: tuple[RoleSelection, ...]) -> None:
    assert ask(*proposals).user_information.roles == roles


@pytest.mark.parametrize(("reversible", "reverse"), [(True, True), (False, False)])
def test_a_context_is_reversed_only_where_the_acceptor_says_so(*, reversible: bool, reverse: bool) -> None:
    request = ask(Proposal(GET, (IMPLICIT,)), Proposal(CT, (EXPLICIT,), reverse=True))
    contexts = agreed(request, answer(request, Accepting(reversible=reversible)))
    assert [one.reverse for one in contexts.values()] == [False, reverse]


def test_a_role_that_was_not_asked_for_is_not_taken() -> None:
    request = ask(Proposal(CT, (EXPLICIT,)))
    given_ = UserInformation(roles=(RoleSelection(CT, scu=True, scp=True),))
    answered = replace(answer(request, EVERYTHING), user_information=given_)
    assert not agreed(request, answered)[1].reverse


@dataclass(frozen=True)
class _Answered:
    contexts: tuple[AnsweredContext, ...]

    def accept(self) -> AssociateAccept:
        return AssociateAccept("PACS", "ADIT", self.contexts)


@pytest.mark.parametrize(
    ("answered", "why"),
    [
        (AnsweredContext(9, 0, EXPLICIT), "never proposed"),
        (AnsweredContext(1, 0, JPEG), "never offered"),
        (AnsweredContext(1, 0, ""), "never offered"),
    ],
)
def test_an_answer_to_what_was_not_asked_is_a_violation(answered: AnsweredContext, why: str) -> None:
    with pytest.raises(ProtocolViolation, match=why):
        agreed(ask(Proposal(CT, (EXPLICIT,))), _Answered((answered,)).accept())


def test_what_is_not_answered_is_not_accepted() -> None:
    assert agreed(ask(Proposal(CT, (EXPLICIT,))), _Answered(()).accept()) == {}


@pytest.mark.parametrize(
    ("asked", "allowed", "granted"),
    [(1, 8, 1), (4, 8, 4), (8, 4, 4), (0, 4, 4), (4, 0, 4), (0, 0, 0), (4, 1, 1)],
)
def test_the_window_is_the_narrower_one_and_0_is_no_limit(asked: int, allowed: int, granted: int) -> None:
    request = ask(Proposal(CT, (EXPLICIT,)), window=asked)
    answered = answer(request, EVERYTHING, window=OperationsWindow(allowed, 1))
    assert negotiation.operations_window(request, answered) == granted


def test_a_window_that_is_not_asked_for_is_not_answered() -> None:
    assert answer(ask(Proposal(CT, (EXPLICIT,))), EVERYTHING).user_information.window is None


@pytest.mark.parametrize(("wanted", "sent"), [(True, b"ticket"), (False, None)])
def test_a_user_identity_is_answered_where_that_is_wanted(*, wanted: bool, sent: bytes | None) -> None:
    identity = UserIdentity(1, b"someone", answer_wanted=wanted)
    request = request_for("PACS", "ADIT", (Proposal(CT, (EXPLICIT,)),), identity=identity)
    assert answer(request, EVERYTHING, identity_answer=b"ticket").user_information.identity_answer == sent


@pytest.mark.parametrize(
    ("change", "reject"),
    [
        ({}, None),
        ({"protocol_version": 3}, None),
        ({"protocol_version": 2}, negotiation.UNKNOWN_PROTOCOL_VERSION),
        ({"application_context": "1.2.3"}, negotiation.UNKNOWN_APPLICATION_CONTEXT),
        ({"called_ae_title": "OTHER"}, negotiation.UNKNOWN_CALLED_AE_TITLE),
        ({"calling_ae_title": "OTHER"}, negotiation.UNKNOWN_CALLING_AE_TITLE),
    ],
)
def test_a_request_is_refused_for_what_is_wrong_with_it(change: dict[str, str], reject: AssociateReject | None) -> None:
    request = replace(ask(Proposal(CT, (EXPLICIT,))), **change)  # type: ignore[arg-type]  # fields by name
    assert refusal(request, ae_titles={"PACS"}, calling_ae_titles={"ADIT"}) == reject


def test_who_has_no_list_refuses_no_title() -> None:
    assert refusal(replace(ask(), called_ae_title="ANY", calling_ae_title="ANY_2")) is None


@given(
    requests(), st.sampled_from([EVERYTHING, Accepting(), Accepting(sop_classes=()), Accepting(transfer_syntaxes=())])
)
@settings(max_examples=30)
def test_every_request_gets_an_answer_that_its_sender_can_read(
    request: AssociateRequest, acceptance: Accepting
) -> None:
    answered = answer(request, acceptance)
    assert [one.context_id for one in answered.contexts] == [one.context_id for one in request.contexts]
    encoded = pdu.encode(answered)
    decoded = pdu.decode(encoded[0], memoryview(encoded)[6:])
    assert isinstance(decoded, AssociateAccept)
    assert agreed(request, decoded) == agreed(request, answered)
