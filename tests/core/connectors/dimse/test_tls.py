"""Secured associations on either upper layer: the peer proves who it is, we show who we are, failures say why."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme

from adit.api.dicom_server import Implementation
from adit.connectors.dimse import DimseConnector
from adit.connectors.dimse.survey import Survey
from adit.connectors.target import Target, TlsFiles
from adit.errors import BadInput, PeerUnavailable
from adit.testing.datasets import ct_study
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import data_set_bytes
from adit.testing.patients import PLAIN
from adit.testing.programs import Storescp
from adit.testing.pytest_plugin import skip_or_fail
from adit.transfer.instance import Instance
from adit.transfer.placement import Placement

TargetOf = Callable[..., Target]


@dataclass(frozen=True)
class House:
    """An authority and the files of what it issued."""

    authority: trustme.CA
    directory: Path

    @property
    def trust(self) -> Path:
        path = self.directory / "authority.pem"
        self.authority.cert_pem.write_to_path(path)
        return path

    def issue(self, name: str) -> tuple[Path, Path]:
        """The certificate and the key of `name`."""
        issued = self.authority.issue_cert(name)
        certificate, key = (self.directory / f"{name}.{kind}" for kind in ("crt", "key"))
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        return certificate, key


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(trustme.CA(), tmp_path)


@contextmanager
def secured(house: House, name: str = "127.0.0.1", *options: str) -> Iterator[Storescp]:
    """A storescp over TLS that goes by `name`; it asks for no certificate unless `options` say so."""
    skip_or_fail("storescp")
    certificate, key = house.issue(name)
    tls = ("+tls", str(key), str(certificate), "+cf", str(house.trust), *(options or ("-ic",)))
    with Storescp(house.directory / "storescp", options=tls) as peer:
        yield peer


@pytest.fixture
def open_secured(target_of: TargetOf, implementation: Implementation) -> Callable[..., DimseConnector]:
    """A connector over TLS; keywords are those of TlsFiles."""

    def build(peer: Storescp | LoopbackPacs, *, server_name: str | None = None, **files: Path) -> DimseConnector:
        tls = {"serverName": server_name} if server_name else {}
        target = target_of(peer, implementation=implementation, tls=tls, response_timeout_seconds=5)
        return DimseConnector(replace(target, tls=TlsFiles(**files)))

    return build


Open = Callable[..., DimseConnector]


@pytest.mark.peer
def test_instances_go_over_tls_as_they_are(
    house: House, open_secured: Open, instance_of: Callable[[Path], Instance], tmp_path: Path
) -> None:
    files = ct_study(PLAIN, instances=3, rows=512).write(tmp_path / "ct")
    with secured(house) as peer, open_secured(peer, authorities=house.trust) as connector:
        connector.echo()
        assert all(one.stored for one in connector.store(map(instance_of, files), Placement("job")))
        arrived = sorted(data_set_bytes(path) for path in peer.files())
    assert arrived == sorted(data_set_bytes(path) for path in files)


@pytest.mark.peer
def test_the_doctors_look_goes_over_tls_too(house: House, target_of: TargetOf, implementation: Implementation) -> None:
    with secured(house) as peer:
        target = replace(target_of(peer, implementation=implementation, tls={}), tls=TlsFiles(house.trust))
        with Survey(target) as survey:
            assert survey.associate().store
            survey.echo()


@pytest.mark.peer
def test_a_peer_that_asks_who_we_are_is_shown_our_certificate(house: House, open_secured: Open) -> None:
    certificate, key = house.issue("adit")
    with (
        secured(house, "127.0.0.1", "-rc") as peer,
        open_secured(peer, authorities=house.trust, certificate=certificate, key=key) as connector,
    ):
        connector.echo()


@pytest.mark.peer
def test_a_peer_that_wants_a_certificate_and_gets_none_is_unavailable_with_words(
    house: House, open_secured: Open
) -> None:
    with (
        secured(house, "127.0.0.1", "-rc") as peer,
        open_secured(peer, authorities=house.trust) as connector,
        pytest.raises(PeerUnavailable, match="clientCertificate"),
    ):
        connector.echo()


@pytest.mark.peer
def test_a_certificate_of_a_stranger_is_not_trusted(house: House, open_secured: Open, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    with (
        secured(house) as peer,
        open_secured(peer, authorities=House(trustme.CA(), stranger).trust) as connector,
        pytest.raises(PeerUnavailable, match=r"not trusted .* spec\.dimse\.tls\.certificateAuthority") as error,
    ):
        connector.echo()
    assert error.value.reason == "TlsNotTrusted"


@pytest.mark.peer
def test_a_certificate_must_have_the_name_that_was_given(house: House, open_secured: Open) -> None:
    with secured(house, "pacs.example.org") as peer:
        with (
            open_secured(peer, authorities=house.trust) as connector,
            pytest.raises(PeerUnavailable, match="not trusted"),
        ):
            connector.echo()
        with open_secured(peer, authorities=house.trust, server_name="pacs.example.org") as connector:
            connector.echo()


@pytest.mark.peer
def test_a_peer_without_tls_is_told(storescp: Storescp, house: House, open_secured: Open) -> None:
    with (
        open_secured(storescp, authorities=house.trust) as connector,
        pytest.raises(PeerUnavailable, match="does not agree with us on TLS"),
    ):
        connector.echo()


def test_files_that_are_no_certificates_are_bad_input(
    loopback_pacs: LoopbackPacs, open_secured: Open, tmp_path: Path
) -> None:
    (tmp_path / "authority.pem").write_text("no certificate")
    with (
        open_secured(loopback_pacs, authorities=tmp_path / "authority.pem") as connector,
        pytest.raises(BadInput, match="TLS files of pacs"),
    ):
        connector.echo()
