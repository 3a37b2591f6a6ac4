"""The SCP's door: listen, one thread per association, refuse beyond the limit, end everything on close."""

import ssl
from types import TracebackType
from typing import Protocol, Self

from adit.dimse.association import Association
from adit.dimse.pdu import AssociateAccept, AssociateReject, AssociateRequest
from adit.dimse.timeouts import Timeouts


class Service(Protocol):
    """What a server does: both methods are called in the thread of their association."""

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept | AssociateReject: ...

    def serve(self, association: Association) -> None: ...


class Server:
    """Listens at `address` while it is entered; port 0 takes a free one."""

    port: int

    def __init__(
        self,
        address: tuple[str, int],
        service: Service,
        *,
        max_associations: int = 100,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - a frozen value
        tls: ssl.SSLContext | None = None,
    ) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError
