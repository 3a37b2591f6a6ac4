"""How a peer's associations are secured: its description and the mounted files become one TLS context."""

import ssl

from adit.connectors.dimse.peer import Peer
from adit.connectors.target import TlsFiles
from adit.dimse.tls import requestor_context
from adit.errors import BadInput


def tls_context(peer: Peer) -> ssl.SSLContext | None:
    """The context for associations with a peer, None where they are not secured.

    The files are read anew for each association, so that renewed ones are used. Raises BadInput where they are none.
    """
    if peer.tls is None:
        return None
    files = peer.tls_files or TlsFiles()
    try:
        return requestor_context(peer.tls.profile, files.authorities, files.certificate, files.key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BadInput(
            f"the TLS files of {peer.name} cannot be used ({type(error).__name__}): the Secrets of "
            "spec.dimse.tls.certificateAuthority and clientCertificate must hold PEM"
        ) from error


def server_name(peer: Peer) -> str:
    """The name that the peer's certificate must have."""
    return (peer.tls.server_name if peer.tls is not None else None) or peer.host
