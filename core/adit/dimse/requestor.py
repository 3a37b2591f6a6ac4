"""The SCU's door: connect, agree on TLS, ask for an association (PS3.8 9.3.2), and hand it out established."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from adit.dimse.association import Association
from adit.dimse.negotiation import Proposal
from adit.dimse.timeouts import Timeouts
from adit.dimse.user_information import UserIdentity
from adit.dimse.wire import Wire

__all__ = ["MAX_PDU", "Timeouts", "Wanted", "associate"]

MAX_PDU = 256 << 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask for. `max_pdu` is the longest PDU that we take (0: any), `window` the invocations that may wait."""

    called_ae_title: str
    calling_ae_title: str
    proposals: tuple[Proposal, ...]
    max_pdu: int = MAX_PDU
    user_identity: UserIdentity | None = None
    window: int = 1


def associate(
    host: str,
    port: int,
    wanted: Wanted,
    timeouts: Timeouts,
    *,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
    opening: Callable[[Wire], None] = lambda _: None,
) -> Association:
    """Open an association. Raises NotReached, TlsRefused, AssociationRejected, PeerSilent, ConnectionLost."""
    raise NotImplementedError
