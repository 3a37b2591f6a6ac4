import socket
import time

import pytest
import trustme

from adit.errors import AditError, PeerUnavailable
from adit.testing.pacs import LoopbackPacs
from adit_operator.prober import ConnectorProber
from adit_operator.testing.builders import dicom_server
from tests.core.diagnosis.test_secured_server import secured

PROBER = ConnectorProber(calling_ae_title="ADIT", mount_dir="/mnt")


async def test_a_server_that_answers_is_reachable(loopback_pacs: LoopbackPacs) -> None:
    await PROBER.probe(dicom_server(port=loopback_pacs.port), {})


async def test_a_server_that_is_not_there_is_not() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(PeerUnavailable):
        await PROBER.probe(dicom_server(port=port), {})


async def test_a_silent_server_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        prober = ConnectorProber(calling_ae_title="ADIT", mount_dir="/mnt", limit_seconds=0.3)
        began = time.monotonic()
        with pytest.raises(PeerUnavailable):
            await prober.probe(dicom_server(port=silent.getsockname()[1]), {})
        assert time.monotonic() - began < 2


async def test_a_secured_server_is_asked_with_the_certificates_of_its_secrets() -> None:
    authority = trustme.CA()
    mine = authority.issue_cert("adit.example")
    files = {
        "tls-ca.crt": authority.cert_pem.bytes(),
        "tls.crt": b"".join(pem.bytes() for pem in mine.cert_chain_pems),
        "tls.key": mine.private_key_pem.bytes(),
    }
    with secured(authority) as port:
        server = dicom_server(dimse={"host": "127.0.0.1", "port": port, "tls": {}})
        await PROBER.probe(server, files)
        with pytest.raises(AditError):
            await PROBER.probe(server, {})
