"""C-STORE on an association: encoded instances sent byte for byte, each answer one outcome (PS3.4 B.2)."""

from adit.connectors.dimse.association import Association, Message, NoContextAccepted, UnreadableInstance
from adit.connectors.dimse.contexts import MAX_CONTEXTS, describe
from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.status import store_outcome
from adit.dimse import commands
from adit.dimse.commands import Field
from adit.transfer.instance import Instance
from adit.transfer.outcomes import StoreOutcome

Pair = tuple[str, str]


class Pairs:
    """The SOP class and transfer syntax pairs met so far, the newest last, and which of them the peer will not take."""

    def __init__(self) -> None:
        self._known: dict[Pair, None] = {}
        self.refused: set[Pair] = set()

    def meet(self, pair: Pair) -> None:
        """Remember a pair; the oldest are forgotten when one association has no room for all."""
        self._known.pop(pair, None)
        self._known[pair] = None
        while len(self._known) > MAX_CONTEXTS:
            del self._known[next(iter(self._known))]

    def to_propose(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self._known if pair not in self.refused)


def pair_of(instance: Instance) -> Pair:
    return instance.sop_class_uid, instance.transfer_syntax_uid


def send_store(association: Association, instance: Instance) -> None:
    """Send one instance; raises UnreadableInstance, ConnectionLost, PeerSilent."""
    context = association.context(*pair_of(instance))
    if context is None:
        raise NoContextAccepted(f"{association.peer.name} does not accept {describe(*pair_of(instance))}")
    command = commands.request(
        Field.C_STORE_RQ, association.next_message_id(), instance.sop_class_uid, instance.sop_instance_uid
    )
    association.send(context.context_id, command, instance.pieces)


def stored(association: Association, instance: Instance, answer: Message) -> StoreOutcome:
    """What the answer says of the instance."""
    if answer.field != Field.C_STORE_RSP:
        raise association.protocol_error("something else than an answer to our C-STORE")
    return store_outcome(instance.sop_instance_uid, answer.status, association.peer)


def no_context(instance: Instance, peer: Peer) -> StoreOutcome:
    """The peer does not take this SOP class as it is encoded, and nothing is transcoded."""
    return StoreOutcome(
        instance.sop_instance_uid,
        stored=False,
        reason="NoPresentationContext",
        message=f"{peer.name} does not accept {describe(*pair_of(instance))} from {peer.calling_ae_title}; "
        "allow this SOP class in this transfer syntax there",
    )


def unreadable(instance: Instance, error: UnreadableInstance) -> StoreOutcome:
    return StoreOutcome(instance.sop_instance_uid, stored=False, reason=error.reason, message=error.message)
