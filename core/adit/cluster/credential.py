"""The credentials of a DicomServer, read from their Secrets by whoever asks the server itself."""

import base64
import binascii
from collections.abc import Collection, Mapping

from adit.api.labels import PURPOSE
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.credentials import CREDENTIAL_FILES, PURPOSE_CREDENTIAL, SecretEntry, secret_entries
from adit.errors import BadInput


class SecretMissing(BadInput):
    """The Secret, or its key, does not exist."""

    default_reason = "SecretMissing"


class SecretNotLabelled(BadInput):
    """The Secret does not carry the label without which nobody reads it."""

    default_reason = "SecretNotLabelled"


async def credential_files(
    cluster: Cluster, server: DicomServer, wanted: Collection[str] = CREDENTIAL_FILES
) -> Mapping[str, bytes]:
    """The contents of what the server needs, by the names of the files that a runner reads them as.

    Raises SecretMissing, SecretNotLabelled; Forbidden where the account may not read Secrets.
    """
    found = {}
    for entry in (one for one in secret_entries(server.spec) if one.file in wanted):
        ref = Ref("Secret", server.metadata.namespace, entry.secret)
        try:
            secret = await cluster.get(ref)
        except ObjectNotFound as error:
            raise SecretMissing(f"{ref} does not exist, but DicomServer/{server.metadata.name} needs it") from error
        found[entry.file] = _content(ref, secret, entry, server.metadata.name)
    return found


def _content(ref: Ref, secret: Manifest, entry: SecretEntry, server: str) -> bytes:
    purpose = secret["metadata"].get("labels", {}).get(PURPOSE)
    if purpose != PURPOSE_CREDENTIAL:
        refused = f"{ref} may not be read as the {entry.what} of DicomServer/{server}"
        raise SecretNotLabelled(
            f'{refused}: add the label "{PURPOSE}: {PURPOSE_CREDENTIAL}" to its manifest and apply it again'
            if purpose is None
            else f"{refused}: it serves another purpose ({PURPOSE}): name another Secret in "
            f"{entry.field}, and leave this one as it is"
        )
    try:
        return base64.b64decode(secret.get("data", {})[entry.key], validate=True)
    except (KeyError, binascii.Error) as error:
        raise SecretMissing(f"{ref} has no readable key {entry.key}") from error
