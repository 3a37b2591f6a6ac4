"""Which upper layer a peer is spoken to with: our own, or pynetdicom's where its description says so."""

from collections.abc import Callable, Sequence

import stamina

from adit.connectors.dimse.association import Association, Opening
from adit.connectors.dimse.peer import Peer
from adit.dimse.negotiation import Proposal
from adit.errors import PeerUnavailable

ATTEMPTS, ATTEMPTS_SECONDS = 2, 3.0
Establish = Callable[[Peer, Sequence[Proposal], Callable[[Opening], None]], Association]


def open_association(
    peer: Peer, proposals: Sequence[Proposal], opening: Callable[[Opening], None] = lambda _: None
) -> Association:
    """Associate, in two quick attempts; `opening` gets the connection while the association is still being negotiated.

    Raises PeerUnavailable, AccessDenied or NoContextAccepted, each with what to look at.
    """
    establish = _implementation(peer)
    for attempt in stamina.retry_context(
        on=PeerUnavailable, attempts=ATTEMPTS, timeout=ATTEMPTS_SECONDS, wait_initial=0.2, wait_jitter=0.1
    ):
        with attempt:
            return establish(peer, proposals, opening)
    raise AssertionError("the last attempt returns or raises")


def _implementation(peer: Peer) -> Establish:
    """Import what is used and nothing else: pynetdicom costs 20 MB and a quarter of a second."""
    if peer.implementation == "Pynetdicom":
        from adit.connectors.dimse.pynetdicom_layer import association as pynetdicom  # noqa: PLC0415 - as said above

        return pynetdicom.establish
    from adit.connectors.dimse.native_layer import association as native  # noqa: PLC0415 - as said above

    return native.establish
