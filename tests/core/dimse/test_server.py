"""The server and the storage service: what is sent arrives byte for byte, many at once, and closing ends everything."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pydicom.uid import AllTransferSyntaxes

from adit.dimse import commands
from adit.dimse.commands import Element, Field, request
from adit.dimse.errors import AssociationRejected, ConnectionLost
from adit.dimse.negotiation import Proposal
from adit.dimse.requestor import Wanted, associate
from adit.dimse.server import Server
from adit.dimse.timeouts import Timeouts
from adit.transfer.instance import FileSlice
from tests.core.dimse.peers import CT, EXPLICIT, HOST, WANTED, Keeping, associated

CALM = Timeouts(response=20, idle=20)
SHORT = Timeouts(association=0.4)
LOCAL = (HOST, 0)


def store(uid: str = "1.2.3") -> commands.Command:
    return request(Field.C_STORE_RQ, 1, CT, uid)


def test_pieces_and_slices_arrive_as_one_data_set(tmp_path: Path) -> None:
    pixels = bytes(range(256)) * 20_000
    (tmp_path / "pixels").write_bytes(b"front" + pixels + b"behind")
    head, tail = b"odd", b"x" * 700_001
    keeping = Keeping()
    with Server(LOCAL, keeping, timeouts=CALM) as server:
        association = associated(server.port, CALM)
        piece = FileSlice(tmp_path / "pixels", 5, len(pixels))
        association.send(1, store(), [head, piece, b"", tail])
        assert association.receive().status == 0
        association.release()

    (asked, kept), *rest = keeping.received
    assert not rest
    assert asked.sop_instance_uid == "1.2.3"
    assert bytes(kept.data) == head + pixels + tail


def test_instances_of_every_transfer_syntax_pass_as_opaque_bytes() -> None:
    syntaxes = [str(one) for one in AllTransferSyntaxes]
    contents = [syntax.encode() + bytes(range(256)) * 600 for syntax in syntaxes]
    keeping = Keeping()
    wanted = Wanted("PEER", "ADIT", tuple(Proposal(CT, (syntax,)) for syntax in syntaxes))
    with Server(LOCAL, keeping, timeouts=CALM) as server:
        association = associate(HOST, server.port, wanted, CALM)
        for syntax, content in zip(syntaxes, contents, strict=True):
            context = association.context(CT, syntax)
            assert context is not None
            association.send(context.context_id, store(), [content])
            assert association.receive().status == 0
        association.release()

    assert len(syntaxes) > 30
    assert [asked.context.transfer_syntax for asked, _ in keeping.received] == syntaxes
    assert [bytes(kept.data) for _, kept in keeping.received] == contents


@pytest.mark.parametrize("longest", [64, 16_384, 0])
def test_no_pdu_is_longer_than_the_peer_takes(longest: int) -> None:
    content = bytes(100_001)
    keeping = Keeping()
    wanted = Wanted("PEER", "ADIT", WANTED.proposals, max_pdu=longest)
    with Server(LOCAL, keeping, timeouts=CALM) as server:
        association = associate(HOST, server.port, wanted, CALM)
        assert association.peer_max_pdu == 256 << 10
        association.send(1, store(), [content])
        assert association.receive().status == 0
        association.release()
    assert bytes(keeping.received[0][1].data) == content


def test_a_file_that_is_gone_leaves_the_association_usable(tmp_path: Path) -> None:
    with Server(LOCAL, Keeping(), timeouts=CALM) as server:
        association = associated(server.port, CALM)
        with pytest.raises(FileNotFoundError):
            association.send(1, store(), [FileSlice(tmp_path / "gone", 0, 10)])
        association.send(1, store(), [b"data"])
        assert association.receive().status == 0
        association.release()


def test_a_file_that_is_shorter_than_promised_ends_the_association_and_is_discarded(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(bytes(3 << 20))
    keeping = Keeping()
    with Server(LOCAL, keeping, timeouts=CALM) as server:
        association = associated(server.port, CALM)
        with pytest.raises(EOFError):
            association.send(1, store(), [FileSlice(tmp_path / "short", 0, 5 << 20)])
        assert not association.usable
    assert [kept.discarded for _, kept in keeping.received] == [True]


def test_a_refused_instance_costs_nothing_but_itself() -> None:
    keeping = Keeping(refuses=0xA700)
    with Server(LOCAL, keeping, timeouts=CALM) as server:
        association = associated(server.port, CALM)
        association.send(1, store(), [bytes(5 << 20)])
        assert association.receive().status == 0xA700
        keeping.refuses = None
        association.send(1, store(), [b"small"])
        assert association.receive().status == 0
        association.release()


def test_unknown_operations_are_told_so_and_echoes_answered() -> None:
    with Server(LOCAL, Keeping(), timeouts=CALM) as server:
        association = associated(server.port, CALM)
        n_create = {**store(), Element.COMMAND_FIELD: 0x0140}
        association.send(1, n_create, [b"data"])
        assert association.receive().status == 0x0211
        association.send(1, request(Field.C_ECHO_RQ, 2, CT))
        assert (association.receive().field, association.usable) == (Field.C_ECHO_RSP, True)
        association.release()


def test_a_hundred_associations_at_once_each_store_their_own() -> None:
    keeping = Keeping()
    with Server(LOCAL, keeping, max_associations=100, timeouts=CALM) as server:
        open_ones = [associated(server.port, CALM) for _ in range(100)]
        with pytest.raises(AssociationRejected) as error:
            associated(server.port, CALM)
        for number, one in enumerate(open_ones):
            one.send(1, store(f"1.2.{number}"), [str(number).encode()])
        assert {one.receive().status for one in open_ones} == {0}
        for one in open_ones:
            one.release()
        associated(server.port, CALM).release()

    assert (error.value.result, error.value.source, error.value.diagnostic) == (2, 3, 2)
    stored = {asked.sop_instance_uid: bytes(kept.data) for asked, kept in keeping.received}
    assert stored == {f"1.2.{number}": str(number).encode() for number in range(100)}


def test_closing_ends_what_is_established_within_seconds() -> None:
    with Server(LOCAL, Keeping(), timeouts=CALM) as server:
        association = associated(server.port, CALM)
        with socket.create_connection((HOST, server.port)):
            begun = time.monotonic()
            server.__exit__(None, None, None)
            assert time.monotonic() - begun < 3
        with pytest.raises(ConnectionLost):
            association.receive()
        assert not [one for one in threading.enumerate() if one.name == "dicom-association"]


def test_a_connection_without_a_request_is_closed_in_time() -> None:
    with Server(LOCAL, Keeping(), timeouts=SHORT) as server, socket.create_connection((HOST, server.port)) as silent:
        silent.settimeout(3)
        assert silent.recv(10) == b""


def test_garbage_instead_of_a_request_leaves_the_server_alive() -> None:
    with Server(LOCAL, Keeping(), timeouts=CALM) as server:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(20), b"\1\0\xff\xff\xff\xff"):
            with socket.create_connection((HOST, server.port)) as peer:
                peer.sendall(garbage)
                peer.settimeout(5)
                while peer.recv(100):
                    pass
        associated(server.port, CALM).release()


def test_the_operations_window_is_one_where_the_server_names_no_other() -> None:
    wanted = Wanted("PEER", "ADIT", (Proposal(CT, (EXPLICIT,)),), window=8)
    with Server(LOCAL, Keeping(), timeouts=CALM) as server:
        association = associate(HOST, server.port, wanted, CALM)
        assert association.window == 1
        association.release()


def test_the_data_path_imports_no_dicom_library_and_no_models() -> None:
    program = (
        "import sys, adit.dimse.requestor, adit.dimse.server, adit.dimse.storage, adit.dimse.tls;"
        "print(sorted({'pydicom', 'pynetdicom', 'pydantic', 'kopf', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
