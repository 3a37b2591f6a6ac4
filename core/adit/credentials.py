"""What a DicomServer needs of the Secrets beside it: which entry of which Secret becomes which file. Pure.

Operator, runner, command line and doctor ask the same table, so that none of them signs in otherwise than the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from adit.api.dicom_server import DicomServerSpec, Tls
from adit.contract import AUTHORIZATION_FILE, TLS_AUTHORITIES_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE

PURPOSE_CREDENTIAL = "credential"
# The entries of a Secret of type kubernetes.io/tls.
CERTIFICATE_ENTRY, PRIVATE_KEY_ENTRY = "tls.crt", "tls.key"
TLS_FILES = frozenset({TLS_AUTHORITIES_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE})
CREDENTIAL_FILES = TLS_FILES | {AUTHORIZATION_FILE}


@dataclass(frozen=True, slots=True)
class SecretEntry:
    """An entry `key` of the Secret `secret`, the file that it becomes, what it is, and the field that names it."""

    secret: str
    key: str
    file: str
    what: str
    field: str


def secret_entries(spec: DicomServerSpec) -> tuple[SecretEntry, ...]:
    """All that the server needs of Secrets; nothing for most of them."""
    found: list[SecretEntry] = []
    if spec.dicomweb is not None and spec.dicomweb.authorization is not None:
        reference = spec.dicomweb.authorization.secret_ref
        found.append(
            SecretEntry(reference.name, reference.key, AUTHORIZATION_FILE, "credential", "spec.dicomweb.authorization")
        )
    if spec.dimse is not None and spec.dimse.tls is not None:
        found.extend(_of_tls(spec.dimse.tls))
    return tuple(found)


def _of_tls(tls: Tls) -> Iterator[SecretEntry]:
    authority, mine = tls.certificate_authority, tls.client_certificate
    if authority is not None:
        field = "spec.dimse.tls.certificateAuthority"
        yield SecretEntry(authority.name, authority.key, TLS_AUTHORITIES_FILE, "certificate authority", field)
    if mine is not None:
        field, what = "spec.dimse.tls.clientCertificate", "client certificate"
        yield SecretEntry(mine, CERTIFICATE_ENTRY, TLS_CERTIFICATE_FILE, what, field)
        yield SecretEntry(mine, PRIVATE_KEY_ENTRY, TLS_KEY_FILE, what, field)
