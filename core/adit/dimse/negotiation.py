"""What two application entities agree on before the first message (PS3.8 §7.1.1, PS3.7 D.3): pure, for both sides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adit.dimse.errors import ProtocolViolation
from adit.dimse.pdu import (
    DICOM_APPLICATION_CONTEXT,
    MAX_CONTEXTS,
    PROTOCOL_VERSION,
    AnsweredContext,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ContextResult,
    ProposedContext,
)
from adit.dimse.user_information import (
    ExtendedNegotiation,
    OperationsWindow,
    RoleSelection,
    UserIdentity,
    UserInformation,
)

DEFAULT_MAX_LENGTH: Final = 256 << 10
ONE_AT_A_TIME: Final = OperationsWindow(1, 1)
# PS3.8 Table 9-21: for good, by the service user or by the service provider (ACSE, presentation).
UNKNOWN_APPLICATION_CONTEXT: Final = AssociateReject(1, 1, 2)
UNKNOWN_CALLING_AE_TITLE: Final = AssociateReject(1, 1, 3)
UNKNOWN_CALLED_AE_TITLE: Final = AssociateReject(1, 1, 7)
REFUSED: Final = AssociateReject(1, 1, 1)
UNKNOWN_PROTOCOL_VERSION: Final = AssociateReject(1, 2, 2)
TOO_MANY_ASSOCIATIONS: Final = AssociateReject(2, 3, 2)  # for now: the local limit is exceeded


@dataclass(frozen=True, slots=True)
class Proposal:
    """One presentation context to propose; `reverse` asks to be sent such instances (the SCP role, for C-GET)."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class PresentationContext:
    """One that both sides agreed on; `reverse`: the requestor is SCP of its SOP class, as it asked to be."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    reverse: bool = False


class Acceptance(Protocol):
    """What an acceptor is ready to take."""

    def supports(self, abstract_syntax: str, /) -> bool:
        """Whether it knows this SOP class at all."""

    def transfer_syntax(self, abstract_syntax: str, offered: tuple[str, ...], /) -> str | None:
        """The one of those offered that it takes, if it takes any."""

    def roles(self, asked: RoleSelection, /) -> RoleSelection | None:
        """The roles that it lets the requestor have, at most those asked for; None leaves the default, SCU alone."""


@dataclass(frozen=True, slots=True)
class Accepting:
    """Takes some SOP classes (None: every one) in some transfer syntaxes (None: in whatever the requestor likes best).

    Where it names transfer syntaxes their order is its own liking. A requestor may be SCP where `reversible`.
    """

    sop_classes: Collection[str] | None = None
    transfer_syntaxes: Sequence[str] | None = None
    reversible: bool = False

    def supports(self, abstract_syntax: str, /) -> bool:
        return self.sop_classes is None or abstract_syntax in self.sop_classes

    def transfer_syntax(self, abstract_syntax: str, offered: tuple[str, ...], /) -> str | None:
        del abstract_syntax  # all are taken in the same ones
        if self.transfer_syntaxes is None:
            return offered[0]
        return next((one for one in self.transfer_syntaxes if one in offered), None)

    def roles(self, asked: RoleSelection, /) -> RoleSelection | None:
        return asked if self.reversible else None


def request_for(
    called_ae_title: str,
    calling_ae_title: str,
    proposals: Sequence[Proposal],
    *,
    max_length: int = DEFAULT_MAX_LENGTH,
    identity: UserIdentity | None = None,
    window: int = 1,
    extended: Sequence[ExtendedNegotiation] = (),
) -> AssociateRequest:
    """The request that proposes these, with ids 1, 3, 5, … in their order; raises ValueError for more than 128.

    `window` other than 1 asks for that many operations at once (PS3.7 D.3.3.3; 0: any number). `extended` is what the
    service classes have to say beside it (PS3.7 D.3.3.5), such as relational queries (PS3.4 C.5.1.1).
    """
    if len(proposals) > MAX_CONTEXTS:
        raise ValueError(f"{len(proposals)} presentation contexts; an association has room for {MAX_CONTEXTS}")
    contexts = tuple(
        ProposedContext(2 * position + 1, one.abstract_syntax, one.transfer_syntaxes)
        for position, one in enumerate(proposals)
    )
    information = UserInformation(
        max_length=max_length,
        window=None if window == 1 else OperationsWindow(window, 1),
        roles=_roles(proposals),
        extended=tuple(extended),
        identity=identity,
    )
    return AssociateRequest(called_ae_title, calling_ae_title, contexts, information)


def agreed(request: AssociateRequest, accept: AssociateAccept) -> dict[int, PresentationContext]:
    """The contexts that may be used, by id; one that is not answered is not accepted.

    Raises ProtocolViolation where the acceptor takes what was not offered: nobody could tell what the bytes mean.
    """
    proposed = {one.context_id: one for one in request.contexts}
    asked = {one.sop_class_uid for one in request.user_information.roles if one.scp}
    granted = {one.sop_class_uid for one in accept.user_information.roles if one.scp} & asked
    contexts = dict[int, PresentationContext]()
    for answer_ in accept.contexts:
        context = proposed.get(answer_.context_id)
        if context is None:
            raise ProtocolViolation(f"an answer to the presentation context {answer_.context_id}, never proposed")
        if answer_.result != ContextResult.ACCEPTANCE:
            continue
        if answer_.transfer_syntax not in context.transfer_syntaxes:
            raise ProtocolViolation("a presentation context that is accepted in a transfer syntax never offered")
        contexts[context.context_id] = PresentationContext(
            context.context_id,
            context.abstract_syntax,
            answer_.transfer_syntax,
            reverse=context.abstract_syntax in granted,
        )
    return contexts


def operations_window(request: AssociateRequest, accept: AssociateAccept) -> int:
    """How many operations the requestor may have under way at once (0: any number); 1 unless both sides say more."""
    asked, answered = request.user_information.window, accept.user_information.window
    if asked is None or answered is None:
        return 1
    return _smaller(asked.invoked, answered.invoked)


def extended_answers(accept: AssociateAccept) -> dict[str, bytes]:
    """What the acceptor says of the extended negotiation of each SOP class; one that it leaves out is not supported."""
    return {one.sop_class_uid: one.information for one in accept.user_information.extended}


def refusal(
    request: AssociateRequest,
    *,
    ae_titles: Collection[str] | None = None,
    calling_ae_titles: Collection[str] | None = None,
) -> AssociateReject | None:
    """Why a request is refused as a whole (PS3.8 Table 9-21); None where it is not, and None as a list allows any."""
    if not request.protocol_version & PROTOCOL_VERSION:
        return UNKNOWN_PROTOCOL_VERSION
    if request.application_context != DICOM_APPLICATION_CONTEXT:
        return UNKNOWN_APPLICATION_CONTEXT
    if ae_titles is not None and request.called_ae_title not in ae_titles:
        return UNKNOWN_CALLED_AE_TITLE
    if calling_ae_titles is not None and request.calling_ae_title not in calling_ae_titles:
        return UNKNOWN_CALLING_AE_TITLE
    return None


def answer(
    request: AssociateRequest,
    acceptance: Acceptance,
    *,
    max_length: int = DEFAULT_MAX_LENGTH,
    window: OperationsWindow = ONE_AT_A_TIME,
    extended: Sequence[ExtendedNegotiation] = (),
    identity_answer: bytes | None = None,
) -> AssociateAccept:
    """Answer every context that is proposed (PS3.8 §9.3.3.2), and roles and window where they are asked for.

    `window` is what this side lets the requestor invoke and perform; `extended` what it says of SOP classes, told where
    it is asked. `identity_answer` is the server response to a
    user identity (PS3.7 D.3.3.7.2), sent only where one is wanted.
    """
    asked = request.user_information
    answers = (acceptance.roles(one) for one in asked.roles if acceptance.supports(one.sop_class_uid))
    information = UserInformation(
        max_length=max_length,
        window=None if asked.window is None else _narrower(asked.window, window),
        roles=tuple(one for one in answers if one is not None),
        extended=tuple(
            one for one in extended if one.sop_class_uid in {other.sop_class_uid for other in asked.extended}
        ),
        identity_answer=identity_answer if asked.identity is not None and asked.identity.answer_wanted else None,
    )
    contexts = tuple(_answer_context(one, acceptance) for one in request.contexts)
    return AssociateAccept(request.called_ae_title, request.calling_ae_title, contexts, information)


def _roles(proposals: Sequence[Proposal]) -> tuple[RoleSelection, ...]:
    """Roles belong to a SOP class, not to a context: where it is proposed both ways both are asked for."""
    forward = {one.abstract_syntax for one in proposals if not one.reverse}
    reverse = dict.fromkeys(one.abstract_syntax for one in proposals if one.reverse)
    return tuple(RoleSelection(uid, scu=uid in forward, scp=True) for uid in reverse)


def _answer_context(context: ProposedContext, acceptance: Acceptance) -> AnsweredContext:
    if not acceptance.supports(context.abstract_syntax):
        return _declined(context, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED)
    syntax = acceptance.transfer_syntax(context.abstract_syntax, context.transfer_syntaxes)
    if syntax is None:
        return _declined(context, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED)
    return AnsweredContext(context.context_id, ContextResult.ACCEPTANCE, syntax)


def _declined(context: ProposedContext, result: ContextResult) -> AnsweredContext:
    """With a transfer syntax all the same: it means nothing, but there are peers that cannot read an empty one."""
    return AnsweredContext(context.context_id, result, context.transfer_syntaxes[0])


def _narrower(asked: OperationsWindow, allowed: OperationsWindow) -> OperationsWindow:
    return OperationsWindow(_smaller(asked.invoked, allowed.invoked), _smaller(asked.performed, allowed.performed))


def _smaller(first: int, second: int) -> int:
    """The narrower of two limits of which 0 is none."""
    return min(first, second) if first and second else first or second
