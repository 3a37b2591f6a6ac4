"""A hundred associations at once, and a process that is killed while instances are under way."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adit.dimse.commands import Field, request
from adit.dimse.errors import ConnectionLost
from adit.dimse.negotiation import Proposal
from adit.dimse.requestor import Timeouts, Wanted, associate
from adit.testing.programs import HOST
from adit.transfer.part10 import open_part10
from tests.receiver.conftest import Running, running

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
MANY = 100
WANTED = Wanted("ADIT", "PACS_1", (Proposal(CT, (EXPLICIT,)),))


def stored(receiver: Running) -> list[str]:
    return sorted(open_part10(path).sop_instance_uid for path in receiver.files("quarantine"))


def test_a_hundred_associations_at_once_are_all_served(receiver: Running) -> None:
    """Every one is open before the first sends."""
    lines = [associate(HOST, receiver.port, WANTED, Timeouts(response=30)) for _ in range(MANY)]

    def send(number: int) -> int:
        line = lines[number]
        line.send(1, request(Field.C_STORE_RQ, 1, CT, f"1.2.{number}"), [bytes(20_000)])
        status = line.receive().status
        line.release()
        return status

    with ThreadPoolExecutor(MANY) as pool:
        assert set(pool.map(send, range(MANY))) == {0}
    assert stored(receiver) == sorted(f"1.2.{number}" for number in range(MANY))


def test_whatever_was_answered_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    """Senders go on until the process is killed under them; one of them is amid an instance."""
    answered: list[str] = []

    def send(sender: int, receiver: Running) -> None:
        line = associate(HOST, receiver.port, WANTED, Timeouts(response=10))
        for number in range(10_000):
            uid = f"1.2.{sender}.{number}"
            line.send(1, request(Field.C_STORE_RQ, line.next_message_id(), CT, uid), [bytes(100_000)])
            if line.receive().status == 0:
                answered.append(uid)
            if sender == 0 and number == 20:
                receiver.kill()

    with running(tmp_path) as receiver, ThreadPoolExecutor(4) as pool:
        for sending in [pool.submit(send, sender, receiver) for sender in range(4)]:
            with pytest.raises(ConnectionLost):
                sending.result(30)
        receiver.start()
        assert set(answered) <= set(stored(receiver))
        assert receiver.files("incoming") == []
