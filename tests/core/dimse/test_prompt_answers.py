"""A peer with Nagle's algorithm on, as dcmtk is installed, does not wait 40 ms for our acknowledgement each time."""

import sys
import time
from pathlib import Path

import pytest

from adit.dimse.commands import Field, request
from adit.testing.programs import Storescp
from adit.testing.pytest_plugin import skip_or_fail
from tests.core.dimse.peers import CT, associated

DELAYED_ACKNOWLEDGEMENT = 0.035


@pytest.mark.peer
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="TCP_QUICKACK is Linux's")
def test_answers_do_not_come_in_steps_of_40_ms(tmp_path: Path) -> None:
    skip_or_fail("storescp")
    taken = []
    with Storescp(tmp_path / "storescp", tcp_nodelay=False, options=("--ignore",)) as peer:
        association = associated(peer.port)
        for number in range(1, 41):
            begun = time.monotonic()
            association.send(1, request(Field.C_STORE_RQ, number, CT, f"1.2.{number}"), [bytes(2000)])
            association.receive()
            taken.append(time.monotonic() - begun)
        association.release()
    assert sorted(taken)[len(taken) // 2] < DELAYED_ACKNOWLEDGEMENT
