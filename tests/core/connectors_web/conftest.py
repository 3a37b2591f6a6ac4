"""Connectors to real and to scripted DICOMweb servers."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.target import Target
from adit.connectors.web import DicomWebConnector
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.orthanc import Orthanc
from adit.testing.pytest_plugin import skip_or_fail

Open = Callable[..., DicomWebConnector]


def open_web(url: str, authorization: str | None = None, **dicomweb: object) -> DicomWebConnector:
    """A connector to the server at `url`, named pacs."""
    spec = DicomServerSpec.of({"aeTitle": "PACS", "dicomweb": {"url": url, "responseTimeoutSeconds": 10, **dicomweb}})
    return DicomWebConnector(Target("pacs", spec, "ADIT", Path("/nowhere"), authorization))


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens connectors as `open_web` does, and closes them."""
    connectors: list[DicomWebConnector] = []

    def opening(url: str, authorization: str | None = None, **dicomweb: object) -> DicomWebConnector:
        connectors.append(open_web(url, authorization, **dicomweb))
        return connectors[-1]

    yield opening
    for connector in connectors:
        connector.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@pytest.fixture(params=[True, False], ids=["tcp-nodelay", "as-installed"])
def two_orthancs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Orthanc, Orthanc]]:
    """Two empty peers, once with TCP_NODELAY and once as Debian installs them."""
    skip_or_fail("Orthanc")
    with (
        Orthanc(tmp_path / "source", tcp_nodelay=request.param) as source,
        Orthanc(tmp_path / "destination", tcp_nodelay=request.param) as destination,
    ):
        yield source, destination


@pytest.fixture
def guarded_orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """An Orthanc that knows the user adit with the password secret, and nobody else."""
    skip_or_fail("Orthanc")
    with Orthanc(tmp_path / "guarded", users={"adit": "secret"}) as peer:
        yield peer


@pytest.fixture
def scripted() -> Iterator[Callable[..., HttpPeer]]:
    """Starts HTTP servers that answer by script."""
    peers: list[HttpPeer] = []

    def start(*responses: Response) -> HttpPeer:
        peer = HttpPeer(responses)
        peer.__enter__()
        peers.append(peer)
        return peer

    yield start
    for peer in peers:
        peer.__exit__(None, None, None)


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A TLS server on localhost whose certificate no authority has signed; it talks to one client and ends."""
    openssl = shutil.which("openssl")
    if openssl is None:
        skip_or_fail("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    arguments = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run(
        [str(openssl), *arguments, "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()
