"""What a server signs in with, from the Secrets that were seen: only those beside it, and labelled as such. Pure."""

from collections.abc import Callable, Mapping

from adit.api.resource import DicomServer
from adit.cluster.kinds import Ref
from adit.credentials import PURPOSE_CREDENTIAL, secret_entries
from adit_operator.observed import SeenSecret

Secrets = Callable[[Ref], SeenSecret | None]


def secrets_of(ref: Ref, server: DicomServer) -> tuple[Ref, ...]:
    """The Secrets beside the server that it names, each once."""
    return tuple(dict.fromkeys(Ref("Secret", ref.namespace, one.secret) for one in secret_entries(server.spec)))


def credential_files(ref: Ref, server: DicomServer, secrets: Secrets) -> Mapping[str, bytes] | None:
    """The contents by the names of a runner's files; None where one is missing or serves another purpose."""
    files = {}
    for one in secret_entries(server.spec):
        secret = secrets(Ref("Secret", ref.namespace, one.secret))
        if secret is None or secret.purpose != PURPOSE_CREDENTIAL or one.key not in secret.data:
            return None
        files[one.file] = secret.data[one.key]
    return files
