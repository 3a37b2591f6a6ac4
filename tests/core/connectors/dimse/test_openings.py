"""Who counts associations is told of each one, and why one could not be had."""

import socket
from pathlib import Path

import pytest

from adit.api.dicom_server import DicomServerSpec
from adit.connectors import Target, open_connector
from adit.errors import PeerUnavailable
from adit.testing.counted_openings import CountedOpenings
from adit.testing.pacs import LoopbackPacs


def target(port: int, counted: CountedOpenings, ae_title: str = "PACS") -> Target:
    spec = DicomServerSpec.of({"aeTitle": ae_title, "dimse": {"host": "127.0.0.1", "port": port}})
    return Target(name="pacs", spec=spec, calling_ae_title="ADIT", mount_dir=Path("/mnt"), openings=counted)


def test_an_association_is_counted_once_however_often_it_is_used(loopback_pacs: LoopbackPacs) -> None:
    counted = CountedOpenings()
    with open_connector(target(loopback_pacs.port, counted, loopback_pacs.ae_title)) as pacs:
        pacs.echo()
        pacs.echo()
    assert (len(counted.seconds), counted.reasons) == (1, [])
    assert 0 < counted.seconds[0] < 5


def test_an_association_that_cannot_be_had_is_counted_by_its_reason() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    counted = CountedOpenings()
    with open_connector(target(port, counted)) as pacs, pytest.raises(PeerUnavailable):
        pacs.echo()
    assert (counted.seconds, counted.reasons) == ([], ["PeerUnavailable"])
