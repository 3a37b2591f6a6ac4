"""The way to a server: names, ports and certificates, each failure told apart, over real sockets."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from adit.diagnosis.finding import Finding
from adit.diagnosis.network import Door, connect, handshake, resolve
from adit.testing.programs import free_port
from tests.core.diagnosis.tls_server import serving, trusting

LONG_AGO, YESTERDAY = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC) - timedelta(days=1)


def door(port: int, host: str = "127.0.0.1") -> Door:
    return Door("pacs", host, port, "spec.dimse.host and port", 0.5)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_a_name_that_does_not_exist_is_told_with_the_field_that_holds_it() -> None:
    finding = resolve(door(104, "pacs.invalid"))
    assert (finding.verdict, finding.code) in {("problem", "HostUnknown"), ("problem", "NameServerSilent")}
    assert "pacs.invalid" in finding.what


def test_a_name_that_cannot_be_written_is_unknown_too() -> None:
    assert resolve(door(104, "a..b")).code in {"HostUnknown", "NameServerSilent"}


def test_a_name_is_told_with_its_addresses() -> None:
    finding = resolve(door(104, "localhost"))
    assert finding.verdict == "ok"
    assert "localhost is " in finding.what


def test_an_open_port_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert connect(door(server.getsockname()[1])).code == "PortOpen"


def test_a_port_where_nobody_listens_is_closed() -> None:
    finding = connect(door(free_port()))
    assert (finding.code, finding.verdict) == ("PortClosed", "problem")
    assert finding.cause
    assert "spec.dimse.host and port" in finding.fix


@pytest.fixture
def full() -> Iterator[int]:
    """A port whose queue is full: what comes is dropped, as by a firewall."""
    with ExitStack() as opened:
        server = opened.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the standard library's own
            waiting.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])


def test_a_port_whose_packets_are_dropped_is_silent_and_not_closed(full: int) -> None:
    finding = connect(door(full))
    assert finding.code == "PortSilent"
    assert "firewall" in finding.cause


def shown(certificate: trustme.LeafCert, trust: ssl.SSLContext | None) -> Finding:
    with serving(certificate) as port:
        return handshake(door(port), trust)


def test_a_good_certificate_is_trusted(authority: trustme.CA) -> None:
    finding = shown(authority.issue_cert("127.0.0.1"), trusting(authority))
    assert (finding.verdict, finding.code) == ("ok", "CertificateTrusted")
    assert "TLSv1.3" in finding.what


@pytest.mark.parametrize(
    ("names", "dates", "code", "said"),
    [
        ("127.0.0.1", (LONG_AGO, YESTERDAY), "CertificateExpired", "has expired"),
        (
            "127.0.0.1",
            (datetime(2999, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)),
            "CertificateNotYetValid",
            "is not valid yet",
        ),
        ("pacs.example", (None, None), "CertificateOtherHost", "is not made for 127.0.0.1"),
    ],
)
def test_a_bad_certificate_is_told_by_what_is_bad(
    authority: trustme.CA, names: str, dates: tuple[datetime | None, datetime | None], code: str, said: str
) -> None:
    certificate = authority.issue_cert(names, not_before=dates[0], not_after=dates[1])
    finding = shown(certificate, trusting(authority))
    assert (finding.verdict, finding.code) == ("problem", code)
    assert said in finding.what


def test_a_certificate_that_expires_soon_is_a_warning(authority: trustme.CA) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=10, hours=1))
    finding = shown(certificate, trusting(authority))
    assert (finding.verdict, finding.code) == ("warning", "CertificateExpiring")
    assert "10 days" in finding.what


def test_a_certificate_of_an_authority_that_nobody_trusts_names_the_remedy(authority: trustme.CA) -> None:
    finding = shown(authority.issue_cert("127.0.0.1"), None)
    assert finding.code == "CertificateUntrusted"
    assert "SSL_CERT_FILE" in finding.fix


def test_a_port_that_speaks_no_tls_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts, and never answers
        finding = handshake(door(server.getsockname()[1]))
    assert finding.code == "NoTls"
    assert "http://" in finding.fix


def test_a_port_that_closes_in_the_handshake_is_closed() -> None:
    assert handshake(door(free_port())).code == "PortClosed"
