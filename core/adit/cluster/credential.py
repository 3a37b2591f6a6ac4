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
        purpose = secret["metadata"].get("labels", {}).get(PURPOSE)
        if purpose != "credential":
            refused = f"{ref} may not be read as the credential of DicomServer/{server.metadata.name}"
            raise SecretNotLabelled(
                f'{refused}: add the label "{PURPOSE}: credential" to its manifest and apply it again'
                if purpose is None
                else f"{refused}: it serves another purpose ({PURPOSE}): name another Secret in "
                "spec.dicomweb.authorization, and leave this one as it is"
            )
        return base64.b64decode(secret.get("data", {})[reference.key], validate=True).decode().strip()
    except ObjectNotFound as error:
        raise SecretMissing(f"{ref} does not exist, but DicomServer/{server.metadata.name} needs it") from error
    except (KeyError, binascii.Error, UnicodeDecodeError) as error:
        raise SecretMissing(f"{ref} has no readable key {reference.key}") from error
