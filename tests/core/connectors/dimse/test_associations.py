"""How an association begins and ends: each way in which a peer says no, or nothing, has its own message."""

import socket
import time
from collections.abc import Callable, Iterator
from threading import Thread, Timer, active_count

import pytest

from adit.connectors.dimse import DimseConnector
from adit.connectors.target import Target
from adit.errors import AccessDenied, AditError, BadInput, PeerUnavailable, PermanentError, RetryableError
from adit.query import Level, Query
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import Storescp, free_port

Connect = Callable[..., DimseConnector]


class Address:
    """A place to call where no PACS is."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.ae_title, self.host, self.port = "NOBODY", host, port


@pytest.fixture
def silent_listener() -> Iterator[Address]:
    """Takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Address(server.getsockname()[1])


@pytest.fixture
def stranger() -> Iterator[Address]:
    """Answers every connection with something that is not DICOM."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = Thread(target=answer)
        thread.start()
        yield Address(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_one_association_serves_echo_and_find(loopback_pacs: LoopbackPacs, connect: Connect) -> None:
    connector = connect(loopback_pacs)
    for _ in range(3):
        connector.echo()
        assert list(connector.find(Query(Level.STUDY))) == []
    assert loopback_pacs.peak_associations == 1


def test_nobody_at_the_port_is_unavailable_within_seconds(connect: Connect) -> None:
    began = time.monotonic()
    port = free_port()
    with pytest.raises(
        PeerUnavailable, match=rf"nobody cannot be reached at 127\.0\.0\.1:{port}: .* spec\.dimse\.host"
    ):
        connect(Address(port)).echo()
    assert time.monotonic() - began < 5


def test_a_host_without_an_address_is_unavailable(connect: Connect) -> None:
    with pytest.raises(PeerUnavailable, match=r"cannot resolve no-such-host\.invalid"):
        connect(Address(104, "no-such-host.invalid")).echo()


def test_a_port_that_says_nothing_is_unavailable(silent_listener: Address, connect: Connect) -> None:
    with pytest.raises(PeerUnavailable, match=r"did not answer our association request within 1 s"):
        connect(silent_listener, response_timeout_seconds=1).echo()


def test_a_port_that_speaks_something_else_is_unavailable(stranger: Address, connect: Connect) -> None:
    with pytest.raises(PeerUnavailable, match="check that the port is a DICOM port"):
        connect(stranger, response_timeout_seconds=2).echo()


def test_a_wrong_called_ae_title_is_access_denied_with_both_titles(
    loopback_pacs: LoopbackPacs, connect: Connect
) -> None:
    with pytest.raises(AccessDenied, match=r"AE title WRONG \(called by ADIT\); set spec\.aeTitle"):
        connect(loopback_pacs, ae_title="WRONG").echo()


def test_an_unknown_calling_ae_title_is_access_denied_with_both_titles(
    connect: Connect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        LoopbackPacs(tmp_path_factory.mktemp("pacs"), allowed_calling=["ADIT"]) as pacs,
        pytest.raises(AccessDenied, match=r"our AE title STRANGER \(it was called as PACS\)") as error,
    ):
        connect(pacs, calling="STRANGER").echo()
    assert error.value.reason == "PeerRefusedAccess"


def test_the_server_may_name_the_ae_title_that_it_knows_us_by(
    connect: Connect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with LoopbackPacs(tmp_path_factory.mktemp("pacs"), allowed_calling=["KNOWN"]) as pacs:
        connect(pacs, calling="STRANGER", calling_ae_title="KNOWN").echo()


def test_too_many_associations_are_waited_out(connect: Connect, tmp_path_factory: pytest.TempPathFactory) -> None:
    with LoopbackPacs(tmp_path_factory.mktemp("pacs"), maximum_associations=1) as pacs:
        first = connect(pacs)
        first.echo()
        with pytest.raises(PeerUnavailable, match=r"too many associations open; lower spec\.limits\.maxAssociations"):
            connect(pacs).echo()
        first.close()
        connect(pacs).echo()


@pytest.mark.parametrize(
    ("result", "kind", "words"), [(1, AccessDenied, "permanently: it gave"), (2, PeerUnavailable, "for now: it gave")]
)
def test_a_rejection_without_a_reason_is_waited_out_unless_it_is_permanent(
    loopback_pacs: LoopbackPacs, connect: Connect, result: int, kind: type[AditError], words: str
) -> None:
    loopback_pacs.faults = Faults(reject_associations=True, rejection=(result, 1, 1))
    with pytest.raises(kind, match=f"rejected the association of ADIT with PACS {words}"):
        connect(loopback_pacs).echo()


@pytest.mark.peer
def test_a_server_that_accepts_no_context_says_what_to_allow(storescp: Storescp, connect: Connect) -> None:
    connector = connect(storescp)
    connector.echo()
    with pytest.raises(PermanentError, match="storescp accepts no StudyRoot C-FIND from ADIT") as error:
        list(connector.find(Query(Level.STUDY)))
    assert error.value.reason == "NoPresentationContext"


def test_a_silent_peer_is_given_up_after_its_time_out(loopback_pacs: LoopbackPacs, connect: Connect) -> None:
    loopback_pacs.faults = Faults(silent=True)
    connector = connect(loopback_pacs, response_timeout_seconds=1)
    began = time.monotonic()
    with pytest.raises(RetryableError, match="pacs did not answer within 1 s") as error:
        connector.echo()
    assert error.value.reason == "PeerSilent"
    assert not isinstance(error.value, PeerUnavailable)
    loopback_pacs.faults = Faults()
    connector.echo()
    assert time.monotonic() - began < 5


def test_abort_while_connecting_comes_back_at_once(silent_listener: Address, connect: Connect) -> None:
    connector = connect(silent_listener, response_timeout_seconds=60)
    timer = Timer(0.3, connector.abort)
    timer.start()
    began = time.monotonic()
    with pytest.raises(RetryableError, match="aborted") as error:
        connector.echo()
    timer.join()
    assert error.value.reason == "Aborted"
    assert time.monotonic() - began < 5


def test_closing_leaves_no_thread_and_may_be_repeated(loopback_pacs: LoopbackPacs, connect: Connect) -> None:
    before = active_count()
    connector = connect(loopback_pacs)
    for _ in range(3):
        connector.echo()
        connector.close()
        connector.close()
    deadline = time.monotonic() + 5
    while active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert active_count() == before


def test_a_server_without_dimse_is_bad_input(target_of: Callable[..., Target], loopback_pacs: LoopbackPacs) -> None:
    target = target_of(loopback_pacs)
    web = target.spec.model_copy(update={"dimse": None})
    with pytest.raises(BadInput, match=r"no spec\.dimse"):
        DimseConnector(Target(target.name, web, target.calling_ae_title, target.mount_dir))
