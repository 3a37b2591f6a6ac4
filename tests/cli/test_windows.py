"""`adit send --window`: several instances unanswered at once, each file with its own answer in whatever order."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adit.dimse import commands
from adit.dimse.association import Association, Message
from adit.dimse.commands import Element
from adit.dimse.negotiation import Accepting, answer
from adit.dimse.pdu import AssociateAccept, AssociateRequest
from adit.dimse.server import Server
from adit.dimse.user_information import OperationsWindow
from adit.testing import patients
from adit.testing.datasets import ct_study
from adit_cli.data_path.files import DicomFile, found
from adit_cli.testing.command_line import CommandLine

CT = ct_study(patients.UMLAUT, instances=6, rows=16)
REFUSED = 0xA700


class Backwards:
    """Answers three at a time, the last first, refusing one instance; or aborts where three are waiting."""

    def __init__(self, refused: str = "", *, aborts: bool = False) -> None:
        self.refused, self.aborts = refused, aborts

    def accept(self, request: AssociateRequest, peer_address: str) -> AssociateAccept:
        del peer_address
        return answer(request, Accepting(), window=OperationsWindow(3, 1))

    def serve(self, association: Association) -> None:
        waiting: list[Message] = []
        while True:
            waiting.append(association.receive())
            if len(waiting) == 3:
                if self.aborts:
                    association.abort()
                    return
                while waiting:
                    message = waiting.pop()
                    uid = commands.text(message.command, Element.AFFECTED_SOP_INSTANCE_UID)
                    status = REFUSED if uid == self.refused else 0
                    association.send(message.context_id, commands.response(message.command, status))


@contextmanager
def peer(service: Backwards) -> Iterator[str]:
    with Server(("127.0.0.1", 0), service) as server:
        yield f"127.0.0.1:{server.port}"


@pytest.fixture
def files(tmp_path: Path) -> list[DicomFile]:
    CT.write(tmp_path / "ct")
    return [one for one in found([tmp_path / "ct"]) if isinstance(one, DicomFile)]


def test_each_file_has_its_own_answer_though_they_come_backwards(
    adit: CommandLine, files: list[DicomFile], tmp_path: Path
) -> None:
    with peer(Backwards(files[1].sop_instance_uid)) as address:
        begun = time.monotonic()
        result = adit("send", tmp_path / "ct", address, "--window", 8)
    assert time.monotonic() - begun < 10  # it would wait for ever with fewer than three under way
    assert result.code == 1
    failed = [line for line in result.err.splitlines() if line.startswith("failed")]
    assert failed == [f"failed {files[1].path}: 0xA700 out of resources"]
    assert result.out.startswith("5 of 6 instances stored")


def test_every_file_has_an_outcome_when_the_association_is_lost_with_three_under_way(
    adit: CommandLine, files: list[DicomFile], tmp_path: Path
) -> None:
    with peer(Backwards(aborts=True)) as address:
        result = adit("send", tmp_path / "ct", address, "--window", 3)
    assert result.code == 1
    assert [f"failed {one.path}: " in result.err for one in files] == [True] * 6, result.err
    assert "6 failed" in result.out
