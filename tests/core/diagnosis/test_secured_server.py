"""A PACS over TLS, examined: its certificate is proved before anybody speaks DICOM with it."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import trustme
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at run time

from adit.cluster.embedded import EmbeddedCluster
from adit.diagnosis.finding import Finding
from adit.testing.cluster import embedded_cluster
from adit_cli.testing import manifests
from tests.core.diagnosis.test_server import codes, examined


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EmbeddedCluster]:
    async with embedded_cluster(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def secured(authority: trustme.CA, name: str = "127.0.0.1") -> Iterator[int]:
    """The port of a peer that wants our certificate, and answers C-ECHO."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    peer = AE("PACS")
    peer.add_supported_context(Verification)
    server = peer.start_server(("127.0.0.1", 0), block=False, ssl_context=context)
    assert server is not None
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()


async def seen(
    cluster: EmbeddedCluster, authority: trustme.CA, port: int, *, label: str = "credential", **tls: Any
) -> list[Finding]:
    """What is found out about a server of these TLS settings, with the Secrets that they name."""
    mine = authority.issue_cert("adit.example")
    own = {
        "tls.crt": b"".join(pem.bytes() for pem in mine.cert_chain_pems).decode(),
        "tls.key": mine.private_key_pem.bytes().decode(),
    }
    await cluster.create(manifests.secret("authority", {"ca.crt": authority.cert_pem.bytes().decode()}, purpose=label))
    await cluster.create(manifests.secret("own", own, purpose=label))
    names = {"certificateAuthority": {"name": "authority", "key": "ca.crt"}, "clientCertificate": "own"}
    dimse = {"host": "127.0.0.1", "port": port, "tls": {**names, **tls}}
    return await examined(cluster, manifests.server_at("pacs", port, dimse=dimse))


async def test_a_secured_server_is_proved_and_answers(cluster: EmbeddedCluster, authority: trustme.CA) -> None:
    with secured(authority) as port:
        findings = await seen(cluster, authority, port)
    assert codes(findings, "problem") == []
    assert [one for one in codes(findings) if one in {"CertificateTrusted", "Associated", "Echoed"}] == [
        "CertificateTrusted",
        "Associated",
        "Echoed",
    ]


async def test_an_authority_that_is_not_named_is_told_with_the_field(
    cluster: EmbeddedCluster, authority: trustme.CA
) -> None:
    with secured(authority) as port:
        findings = await seen(cluster, authority, port, certificateAuthority=None)
    [untrusted] = [one for one in findings if one.verdict == "problem"]
    assert untrusted.code == "CertificateUntrusted"
    assert "certificateAuthority" in untrusted.fix


async def test_a_server_of_another_name_is_told_by_the_name_that_was_wanted(
    cluster: EmbeddedCluster, authority: trustme.CA
) -> None:
    with secured(authority) as port:
        findings = await seen(cluster, authority, port, serverName="pacs.example.org")
    [other] = [one for one in findings if one.verdict == "problem"]
    assert (other.code, "pacs.example.org" in other.what) == ("CertificateOtherHost", True)


async def test_certificates_that_may_not_be_read_are_no_reason_to_knock(
    cluster: EmbeddedCluster, authority: trustme.CA
) -> None:
    findings = await seen(cluster, authority, 1, label="tasks")
    assert codes(findings) == ["SecretNotLabelled"]
