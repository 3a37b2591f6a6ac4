"""What goes wrong below the services, in words: the same sentence and reason, whichever upper layer saw it."""

import errno
import ssl

from adit.connectors.dimse.association import NoContextAccepted
from adit.connectors.dimse.peer import Peer
from adit.dimse.errors import ConnectionLost, PeerSilent
from adit.errors import PeerUnavailable, PermanentError, RetryableError


def unresolved(peer: Peer) -> PeerUnavailable:
    """The name has no address."""
    return PeerUnavailable(
        f"cannot resolve {peer.host}, the host of {peer.name}; check spec.dimse.host", peer=peer.name
    )


def unreachable(peer: Peer, cause: OSError | None) -> PeerUnavailable:
    """Nobody takes the connection, or it cannot be secured."""
    hung_up = isinstance(cause, (ConnectionResetError, BrokenPipeError))
    if isinstance(cause, ssl.SSLError) or (peer.tls is not None and hung_up):
        return not_secured(peer, cause)
    why = f"no answer within {peer.connect_timeout:g} s" if isinstance(cause, TimeoutError) else _said(cause)
    return PeerUnavailable(
        f"{peer.name} cannot be reached at {peer.address}: {why}; check that it runs, and spec.dimse.host and port",
        peer=peer.name,
    )


def not_secured(peer: Peer, cause: BaseException | None) -> PeerUnavailable:
    """TLS fails; the peer is waited for, since a certificate is renewed there as often as here."""
    if peer.tls is None:
        what = "speaks TLS at this port; describe it in spec.dimse.tls, or take the port that does not"
    elif isinstance(cause, ssl.SSLCertVerificationError):
        what = (
            f"shows a certificate that is not trusted ({cause.verify_message}); check "
            "spec.dimse.tls.certificateAuthority and serverName, and the certificate"
        )
    else:
        said = str(getattr(cause, "reason", None) or getattr(cause, "strerror", None) or "no reason").lower()
        what = (
            f"does not agree with us on TLS ({said.replace('_', ' ')}); check that the port speaks it, and "
            "spec.dimse.tls.profile and clientCertificate"
        )
    return PeerUnavailable(f"{peer.name} at {peer.address} {what}", reason="TlsNotTrusted", peer=peer.name)


def unanswered(peer: Peer) -> PeerUnavailable:
    """Somebody takes the connection and does not speak DICOM on it."""
    tls = " and takes the certificate of spec.dimse.tls.clientCertificate" if peer.tls is not None else ""
    return PeerUnavailable(
        f"{peer.name} at {peer.address} did not answer our association request within {peer.response_timeout:g} s "
        f"or hung up on it; check that the port is a DICOM port{tls}",
        peer=peer.name,
    )


def nothing_accepted(peer: Peer) -> NoContextAccepted:
    """An association on which nothing can be done."""
    return NoContextAccepted(
        f"{peer.name} accepts our association and none of the presentation contexts proposed on it; "
        f"allow the service, SOP classes and transfer syntaxes for AE title {peer.calling_ae_title} there"
    )


def spool_failure(peer: str, error: OSError) -> RetryableError:
    """A data set could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return RetryableError(
            f"no room in the spool for what {peer} sends ({error.strerror}); free some disk space", reason="SpoolFull"
        )
    return RetryableError(f"cannot write what {peer} sends into the spool: {error.strerror}", reason="SpoolUnwritable")


def too_large(peer: str) -> PermanentError:
    """An instance without end."""
    return PermanentError(f"{peer} sends a larger object than we take", reason="InstanceTooLarge")


def ended(peer: str, when: str) -> ConnectionLost:
    """The peer aborted, released, or the connection broke."""
    return ConnectionLost(f"{peer} ended the association {when}")


def silent(peer: str, seconds: float) -> PeerSilent:
    """The association is there, and nothing comes."""
    return PeerSilent(f"{peer} did not answer within {seconds:g} s")


def not_moved(peer: str, seconds: float) -> PeerSilent:
    """A C-MOVE is under way, and neither its answers nor its instances come."""
    return PeerSilent(f"{peer} neither answered our C-MOVE nor sent an instance for {seconds:g} s")


def not_dicom(peer: str, what: str) -> RetryableError:
    """What no conforming peer sends."""
    return RetryableError(f"{peer} sends what is not DICOM: {what}", reason="ProtocolError")


def _said(cause: OSError | None) -> str:
    return (cause.strerror or "no connection").lower() if cause is not None else "no connection"
