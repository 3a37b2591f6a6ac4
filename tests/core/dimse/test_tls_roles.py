"""TLS where we are asked: both sides prove who they are, and what fails is told with what to do about it."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from adit.dimse.association import Association
from adit.dimse.commands import Field, request
from adit.dimse.errors import ConnectionLost, TlsRefused
from adit.dimse.requestor import associate
from adit.dimse.server import Server
from adit.dimse.timeouts import Timeouts
from adit.dimse.tls import Profile, acceptor_context, requestor_context
from adit.testing.datasets import ct_study
from adit.testing.part10 import data_set_bytes
from adit.testing.patients import PLAIN
from adit.testing.programs import require_program
from adit.testing.pytest_plugin import skip_or_fail
from tests.core.dimse.peers import CT, HOST, WANTED, Keeping

CALM = Timeouts(connect=5, association=5, response=10, idle=10)
Files = tuple[Path, Path]


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    issuer = trustme.CA()
    issuer.cert_pem.write_to_path(tmp_path / "authority.pem")
    return issuer


@pytest.fixture
def trust(authority: trustme.CA, tmp_path: Path) -> Path:
    del authority  # it has written the file
    return tmp_path / "authority.pem"


@pytest.fixture
def issue(authority: trustme.CA, tmp_path: Path) -> Callable[..., Files]:
    def build(name: str, expires: datetime | None = None) -> Files:
        issued = authority.issue_cert(name, not_after=expires)
        certificate, key = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(certificate)
        issued.private_key_pem.write_to_path(key)
        return certificate, key

    return build


Issue = Callable[..., Files]


def secured_server(files: Files, authorities: Path | None = None, keeping: Keeping | None = None) -> Server:
    context = acceptor_context(*files, authorities=authorities)
    return Server((HOST, 0), keeping or Keeping(), timeouts=CALM, tls=context)


def opened(port: int, trust: Path, files: Files | tuple[()] = (), profile: Profile = "Bcp195") -> Association:
    return associate(HOST, port, WANTED, CALM, tls=requestor_context(profile, trust, *files))


def echo(association: Association) -> int:
    association.send(1, request(Field.C_ECHO_RQ, 1, CT))
    status = association.receive().status
    association.release()
    return status


@pytest.mark.parametrize("profile", ["Bcp195", "ModifiedBcp195"])
def test_both_sides_prove_who_they_are(issue: Issue, trust: Path, profile: Profile) -> None:
    with secured_server(issue(HOST), trust) as server:
        assert echo(opened(server.port, trust, issue("adit"), profile)) == 0


def test_large_pieces_go_over_tls_byte_for_byte(issue: Issue, trust: Path) -> None:
    keeping, content = Keeping(), bytes(range(256)) * 20_000
    with secured_server(issue(HOST), keeping=keeping) as server:
        association = opened(server.port, trust)
        association.send(1, request(Field.C_STORE_RQ, 1, CT, "1.2"), [b"x", content])
        assert association.receive().status == 0
        association.release()
    assert bytes(keeping.received[0][1].data) == b"x" + content


def test_who_shows_no_certificate_is_told_that_one_is_wanted(issue: Issue, trust: Path) -> None:
    refused = pytest.raises((TlsRefused, ConnectionLost), match="client certificate")
    with secured_server(issue(HOST), trust) as server, refused:
        opened(server.port, trust)


def test_an_expired_certificate_is_called_expired(issue: Issue, trust: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with secured_server(issue(HOST, yesterday)) as server, pytest.raises(TlsRefused, match="expired"):
        opened(server.port, trust)


def test_a_certificate_for_another_name_is_called_so(issue: Issue, trust: Path) -> None:
    with secured_server(issue("elsewhere.example.org")) as server, pytest.raises(TlsRefused, match="another"):
        opened(server.port, trust)


def test_an_unknown_authority_is_called_so(issue: Issue, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    with secured_server(issue(HOST)) as server, pytest.raises(TlsRefused, match="authority is not among"):
        opened(server.port, tmp_path / "other.pem")


def test_a_plain_peer_at_a_tls_port_of_ours_is_turned_away(issue: Issue, trust: Path) -> None:
    with secured_server(issue(HOST)) as server:
        with pytest.raises((TlsRefused, ConnectionLost)):
            associate(HOST, server.port, WANTED, CALM)
        assert echo(opened(server.port, trust)) == 0


def test_a_peer_without_tls_is_told_apart(trust: Path) -> None:
    with (
        Server((HOST, 0), Keeping(), timeouts=CALM) as server,
        pytest.raises((TlsRefused, ConnectionLost), match=r"TLS"),
    ):
        opened(server.port, trust)


@pytest.mark.peer
def test_storescu_stores_over_mutual_tls_as_it_reads(issue: Issue, trust: Path, tmp_path: Path) -> None:
    skip_or_fail("storescu")
    files = ct_study(PLAIN, instances=3, rows=512).write(tmp_path / "ct")
    (certificate, key), keeping = issue("storescu"), Keeping()
    with secured_server(issue(HOST), trust, keeping) as server:
        command = [require_program("storescu"), "+tls", key, certificate, "+cf", trust, HOST, str(server.port), *files]
        subprocess.run(list(map(str, command)), check=True, timeout=30)
    arrived = sorted(bytes(kept.data) for _, kept in keeping.received)
    assert arrived == sorted(data_set_bytes(path) for path in files)


@pytest.mark.peer
def test_dcmsend_stores_as_it_reads(tmp_path: Path) -> None:
    skip_or_fail("dcmsend")
    files, keeping = ct_study(PLAIN, instances=3, rows=512).write(tmp_path / "ct"), Keeping()
    with Server((HOST, 0), keeping, timeouts=CALM) as server:
        command = [require_program("dcmsend"), HOST, str(server.port), *files]
        subprocess.run(list(map(str, command)), check=True, timeout=30)
    arrived = sorted(bytes(kept.data) for _, kept in keeping.received)
    assert arrived == sorted(data_set_bytes(path) for path in files)
