"""Interactive slots: as many holders as an endpoint keeps places for, the dead not counted."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from adit.api.endpoint import Endpoint
from adit.cluster.embedded import EmbeddedCluster, EmbeddedSlots
from adit.cluster.slots import InteractiveSlots, SlotsTaken

Program = Callable[..., subprocess.Popen[str]]
PACS = Endpoint("127.0.0.1", 104, "PACS")

HOLD = """
import asyncio, pathlib, sys
from adit.api.endpoint import Endpoint
from adit.cluster.embedded import EmbeddedSlots

async def main(data):
    async with EmbeddedSlots(pathlib.Path(data)).acquire(Endpoint("127.0.0.1", 104, "PACS"), 1, "adit find of anna", 5):
        print("taken", flush=True)
        sys.stdin.readline()

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def slots(tmp_path: Path) -> InteractiveSlots:
    return EmbeddedSlots(tmp_path / "data")


async def test_as_many_as_there_is_room_for(slots: InteractiveSlots) -> None:
    async with slots.acquire(PACS, 2, "anna", 0), slots.acquire(PACS, 2, "berta", 0):
        with pytest.raises(SlotsTaken):
            async with slots.acquire(PACS, 2, "carla", 0):
                pass
    async with slots.acquire(PACS, 2, "carla", 0):
        pass


async def test_the_refusal_names_the_holders(slots: InteractiveSlots) -> None:
    async with slots.acquire(PACS, 1, "adit find of anna", 0):
        with pytest.raises(SlotsTaken, match=r"PACS@127.0.0.1:104 .*\(1 of 1 taken\): adit find of anna since 20"):
            async with slots.acquire(PACS, 1, "berta", 0):
                pass


async def test_another_endpoint_has_its_own(slots: InteractiveSlots) -> None:
    other = Endpoint("127.0.0.1", 105, "PACS")
    async with slots.acquire(PACS, 1, "anna", 0), slots.acquire(other, 1, "berta", 0):
        pass


async def test_whoever_waits_gets_the_slot_that_becomes_free(slots: InteractiveSlots) -> None:
    order = []

    async def wait() -> None:
        async with slots.acquire(PACS, 1, "berta", 10):
            order.append("berta in")

    async with slots.acquire(PACS, 1, "anna", 0):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.2)
        order.append("anna out")
    async with asyncio.timeout(10):
        await waiting
    assert order == ["anna out", "berta in"]


async def test_a_slot_is_free_again_after_an_error(slots: InteractiveSlots) -> None:
    with pytest.raises(ZeroDivisionError):
        async with slots.acquire(PACS, 1, "anna", 0):
            raise ZeroDivisionError
    async with slots.acquire(PACS, 1, "berta", 0):
        pass


async def test_a_killed_holder_does_not_count(tmp_path: Path, slots: InteractiveSlots, start_program: Program) -> None:
    program = start_program(HOLD, tmp_path / "data")
    assert program.stdout is not None
    assert await asyncio.to_thread(program.stdout.readline) == "taken\n"
    with pytest.raises(SlotsTaken, match="adit find of anna"):
        async with slots.acquire(PACS, 1, "berta", 0):
            pass
    program.kill()
    program.wait()
    async with slots.acquire(PACS, 1, "berta", 0):
        pass
    assert list((tmp_path / "data" / "slots").iterdir()) == []


async def test_an_endpoint_that_keeps_none_says_so_at_once(slots: InteractiveSlots) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(SlotsTaken, match="reservedInteractive"):
            async with slots.acquire(PACS, 0, "anna", 60):
                pass


async def test_never_more_than_the_capacity_at_once(slots: InteractiveSlots) -> None:
    inside, most = 0, 0

    async def visit(name: str) -> None:
        nonlocal inside, most
        async with slots.acquire(PACS, 2, name, 30):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(visit(f"visitor {number}") for number in range(8)))
    assert most == 2


async def test_the_cluster_hands_out_the_same_slots(cluster: EmbeddedCluster) -> None:
    async with cluster.interactive_slots().acquire(PACS, 1, "anna", 0):
        with pytest.raises(SlotsTaken, match="anna"):
            async with EmbeddedSlots(cluster.data).acquire(PACS, 1, "berta", 0):
                pass
