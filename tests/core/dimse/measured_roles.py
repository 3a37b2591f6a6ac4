"""A process of its own for the memory of one role: `send PORT FILE` or `receive FILE`; prints its peak (VmHWM) in kB.

What is received goes into FILE. The first line of `receive` is its port; it ends with its input.
"""

import sys
from pathlib import Path

from adit.dimse.association import Association
from adit.dimse.commands import Field, request
from adit.dimse.negotiation import Accepting, Proposal, answer
from adit.dimse.pdu import AssociateAccept, AssociateRequest
from adit.dimse.requestor import Wanted, associate
from adit.dimse.server import Server
from adit.dimse.storage import StoreRequest, serve_storage
from adit.dimse.timeouts import Timeouts
from adit.transfer.instance import FileSlice

CT, EXPLICIT, HOST = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", "127.0.0.1"


class Filing:
    """Writes every instance into the same file."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb", buffering=0)

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept:
        del peer_address
        return answer(request, Accepting())

    def serve(self, association: Association) -> None:
        serve_storage(association, self)

    def begin(self, request: StoreRequest) -> "Filing":
        del request
        return self

    def write(self, fragment: memoryview, /) -> None:
        self.file.write(fragment)

    def complete(self) -> int:
        self.file.close()
        return 0

    def discard(self) -> None:
        self.file.close()


def send(port: int, path: Path) -> None:
    wanted = Wanted("ANY", "ADIT", (Proposal(CT, (EXPLICIT,)),))
    association = associate(HOST, port, wanted, Timeouts())
    association.send(1, request(Field.C_STORE_RQ, 1, CT, "1.2.3"), [FileSlice(path, 0, path.stat().st_size)])
    assert association.receive().status == 0
    association.release()


def receive(path: Path) -> None:
    with Server((HOST, 0), Filing(path)) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        receive(Path(sys.argv[2]))
    sys.stdout.write(
        next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    )
