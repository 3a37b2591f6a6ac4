"""The credential of a DicomServer, read from its Secret by whoever asks the server itself."""

import base64
import binascii

from adit.api.labels import PURPOSE
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import BadInput


class SecretMissing(BadInput):
    """The Secret, or its key, does not exist."""

    default_reason = "SecretMissing"


class SecretNotLabelled(BadInput):
    """The Secret does not carry the label without which nobody reads it."""

    default_reason = "SecretNotLabelled"


async def authorization_of(cluster: Cluster, server: DicomServer) -> str | None:
    """The value of the HTTP Authorization header; None where none is asked for. Raises SecretMissing, …NotLabelled."""
    web = server.spec.dicomweb
    if web is None or web.authorization is None:
        return None
    reference = web.authorization.secret_ref
    ref = Ref("Secret", server.metadata.namespace, reference.name)
    try:
        secret = await cluster.get(ref)
        if secret["metadata"].get("labels", {}).get(PURPOSE) != "credential":
            raise SecretNotLabelled(
                f"{ref} may not be read as the credential of DicomServer/{server.metadata.name}: add the label "
                f'"{PURPOSE}: credential" to its manifest and apply it again'
            )
        return base64.b64decode(secret.get("data", {})[reference.key], validate=True).decode().strip()
    except ObjectNotFound as error:
        raise SecretMissing(f"{ref} does not exist, but DicomServer/{server.metadata.name} needs it") from error
    except (KeyError, binascii.Error, UnicodeDecodeError) as error:
        raise SecretMissing(f"{ref} has no readable key {reference.key}") from error
