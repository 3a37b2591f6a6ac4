"""An association that ends in the middle of a message: nothing of ours may look like its end to the peer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adit.dimse.association import Association
from adit.dimse.commands import Field, request
from adit.dimse.errors import ConnectionLost
from adit.dimse.negotiation import Accepting, Proposal, answer
from adit.dimse.payload import WINDOW_BYTES
from adit.dimse.pdu import AssociateAccept, AssociateRequest
from adit.dimse.requestor import Timeouts, Wanted, associate
from adit.dimse.server import Server
from adit.dimse.storage import StoreRequest, serve_storage
from adit.transfer.instance import FileSlice

HOST = "127.0.0.1"
CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


@dataclass
class Keeper:
    """A peer that stores whatever it takes for complete."""

    completed: list[bytes] = field(default_factory=list)
    discarded: int = 0

    def accept(self, asked: AssociateRequest, _: str) -> AssociateAccept:
        return answer(asked, Accepting())

    def serve(self, association: Association) -> None:
        with suppress(ConnectionLost):
            serve_storage(association, self)

    def begin(self, _: StoreRequest) -> "Taking":
        return Taking(self)


@dataclass
class Taking:
    keeper: Keeper
    data: bytearray = field(default_factory=bytearray)

    def write(self, fragment: memoryview, /) -> None:
        self.data += fragment

    def complete(self) -> int:
        self.keeper.completed.append(bytes(self.data))
        return 0

    def discard(self) -> None:
        self.keeper.discarded += 1


class Chatterer(Keeper):
    """A peer that never stops talking."""

    def serve(self, association: Association) -> None:
        with suppress(ConnectionLost):
            while True:
                association.send(1, request(Field.C_STORE_RQ, 1, CT, "1.2"), [bytes(60_000)])
                time.sleep(0.05)


@contextmanager
def associated(keeper: Keeper) -> Iterator[Association]:
    with Server((HOST, 0), keeper) as server:
        wanted = Wanted("PEER", "ADIT", (Proposal(CT, (EXPLICIT,)),))
        association = associate(HOST, server.port, wanted, Timeouts(response=5, release=0.5))
        yield association
        association.close()


@pytest.mark.parametrize("missing", [2, 10, 1000])
def test_a_file_that_ends_early_never_becomes_a_complete_instance_at_the_peer(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"A" * (2 * WINDOW_BYTES - missing))
    keeper = Keeper()
    with associated(keeper) as association:
        with pytest.raises(EOFError):
            association.send(1, request(Field.C_STORE_RQ, 1, CT, "1.2.3"), [FileSlice(path, 0, 2 * WINDOW_BYTES)])
        deadline = time.monotonic() + 5
        while not keeper.discarded and time.monotonic() < deadline:
            time.sleep(0.01)
    assert (keeper.completed, keeper.discarded) == ([], 1)


def test_a_peer_that_never_stops_talking_cannot_hold_up_a_release() -> None:
    with associated(Chatterer()) as association:
        began = time.monotonic()
        association.release()
        assert time.monotonic() - began < 3
