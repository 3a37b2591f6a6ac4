"""An association by adit.dimse as the services use it: instances go into spool files, errors name the peer."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import gaierror

from adit.connectors.dimse.association import Association, Message, Opening, UnreadableInstance
from adit.connectors.dimse.failures import (
    ended,
    not_dicom,
    not_secured,
    nothing_accepted,
    silent,
    too_large,
    unanswered,
    unreachable,
    unresolved,
)
from adit.connectors.dimse.native_layer.spool_file import SpoolFile
from adit.connectors.dimse.peer import Peer
from adit.connectors.dimse.security import server_name, tls_context
from adit.connectors.dimse.status import rejection_error
from adit.dimse import association as upper_layer
from adit.dimse.commands import Command, Element, Field, number
from adit.dimse.errors import (
    AssociationRejected,
    ConnectionLost,
    InstanceTooLarge,
    NotReached,
    PeerSilent,
    ProtocolViolation,
    TlsRefused,
)
from adit.dimse.negotiation import PresentationContext, Proposal
from adit.dimse.requestor import Timeouts, Wanted, associate
from adit.transfer.instance import Piece

RELEASE_SECONDS = 5.0


class NativeAssociation(Association):
    """An established association; used by one thread, `abort` by any."""

    def __init__(self, peer: Peer, line: upper_layer.Association, proposals: frozenset[Proposal]) -> None:
        self.peer = peer
        self.proposals = proposals
        self.contexts = line.contexts
        self.rested = False
        self.last_message_id = 0
        self._line = line
        self._spool: Path | None = None
        self._arriving: SpoolFile | None = None

    @property
    def usable(self) -> bool:
        return self._line.quiet()

    def receive_into(self, spool: Path) -> None:
        self._spool = spool

    def send(self, context_id: int, command: Command, pieces: Iterable[Piece] = ()) -> None:
        try:
            with _named(self.peer, "while we were sending"):
                self._line.send(context_id, command, pieces)
        except (OSError, EOFError) as error:  # of a piece's file: the connection's own are ConnectionLost
            raise UnreadableInstance(error) from error

    def receive(self) -> Message:
        try:
            with _named(self.peer, "before it had answered everything"):
                received = self._line.receive(self._open_file)
            return self._complete(received)
        except BaseException:
            self._discard()
            raise

    def readable(self, seconds: float) -> bool:
        return self._line.readable(seconds)

    def cancel(self, message_id: int, context_id: int) -> None:
        with _named(self.peer, "while we were sending"):
            self._line.cancel(message_id, context_id)

    def release(self) -> None:
        self._line.release()

    def abort(self) -> None:
        self._line.abort()

    def close(self) -> None:
        self._line.close()

    def _open_file(self, command: Command, _: PresentationContext) -> SpoolFile | None:
        if number(command, Element.COMMAND_FIELD) != Field.C_STORE_RQ:
            return None
        if self._spool is None:
            raise not_dicom(self.peer.name, "an instance that nobody asked for")
        self._arriving = SpoolFile(self._spool, self.peer.name)
        return self._arriving

    def _complete(self, received: upper_layer.Message) -> Message:
        arrived = self._arriving
        if arrived is not None:
            arrived.close()
        elif received.field == Field.C_STORE_RQ:
            raise not_dicom(self.peer.name, "an instance without a data set")
        self._arriving = None
        return Message(received.context_id, received.command, received.data, arrived.path if arrived else None)

    def _discard(self) -> None:
        arriving, self._arriving = self._arriving, None
        if arriving is not None:
            arriving.discard()


def establish(peer: Peer, proposals: Sequence[Proposal], opening: Callable[[Opening], None]) -> Association:
    """Associate; raises PeerUnavailable, AccessDenied or NoContextAccepted."""
    wanted = Wanted(peer.called_ae_title, peer.calling_ae_title, tuple(proposals))
    timeouts = Timeouts(
        connect=peer.connect_timeout,
        association=peer.response_timeout,
        response=peer.response_timeout,
        release=min(RELEASE_SECONDS, peer.response_timeout),
    )
    try:
        line = associate(
            peer.host,
            peer.port,
            wanted,
            timeouts,
            tls=tls_context(peer),
            server_name=server_name(peer),
            opening=opening,
        )
    except TlsRefused as error:
        raise not_secured(peer, error.__cause__) from error
    except NotReached as error:
        raise (unresolved(peer) if isinstance(error.cause, gaierror) else unreachable(peer, error.cause)) from error
    except AssociationRejected as error:
        raise rejection_error(peer, error.result, error.source, error.diagnostic) from error
    except (ConnectionLost, PeerSilent, ProtocolViolation) as error:
        broken = peer.tls is not None and isinstance(error.__cause__, OSError) and not isinstance(error, PeerSilent)
        raise (not_secured(peer, error.__cause__) if broken else unanswered(peer)) from error
    if not line.contexts:
        line.close()
        raise nothing_accepted(peer)
    return NativeAssociation(peer, line, frozenset(proposals))


@contextmanager
def _named(peer: Peer, when: str) -> Iterator[None]:
    """Say of whom an error of the upper layer is."""
    try:
        yield
    except ConnectionLost as error:
        raise ended(peer.name, when) from error
    except PeerSilent as error:
        raise silent(peer.name, peer.response_timeout) from error
    except ProtocolViolation as error:
        raise not_dicom(peer.name, error.message) from error
    except TlsRefused as error:
        raise not_secured(peer, error.__cause__) from error
    except InstanceTooLarge as error:
        raise too_large(peer.name) from error
