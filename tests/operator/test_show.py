"""How many slots are taken, on a server's status: right in the end, and not written at every turn."""

from collections import Counter
from dataclasses import replace

import pytest

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit_operator.show import show_allocation
from adit_operator.slots import Allocation
from adit_operator.testing.desk import Desk

PACS = Ref("DicomServer", "default", "pacs")
ENDPOINT = "PACS@127.0.0.1:11112"


def taken(count: int) -> Allocation:
    return Allocation(Counter({ENDPOINT: count}), frozenset(), Counter())


async def shown(cluster: EmbeddedCluster) -> tuple[int, str]:
    """What the server tells, and the version that it tells it in."""
    server = await cluster.get(PACS)
    return server.get("status", {}).get("allocated", 0), server["metadata"]["resourceVersion"]


@pytest.fixture(name="world_desk")
async def _world_desk(desk: Desk) -> Desk:
    settings = desk.world.settings.model_copy(update={"status_seconds": 5.0})
    desk.world = replace(desk.world, settings=settings)
    await desk.see_all()
    return desk


async def test_what_is_taken_is_shown_at_once(cluster: EmbeddedCluster, world_desk: Desk) -> None:
    await show_allocation(world_desk.world, taken(2))
    assert (await shown(cluster))[0] == 2


async def test_a_change_soon_after_another_is_shown_by_a_later_turn(cluster: EmbeddedCluster, world_desk: Desk) -> None:
    world = world_desk.world
    await show_allocation(world, taken(2))
    world_desk.clock.advance(4.9)
    assert await show_allocation(world, taken(3)) == pytest.approx(0.1)
    assert (await shown(cluster))[0] == 2
    world_desk.clock.advance(0.2)
    assert await show_allocation(world, taken(1)) == 0
    assert (await shown(cluster))[0] == 1


async def test_what_has_not_changed_is_not_written(cluster: EmbeddedCluster, world_desk: Desk) -> None:
    world = world_desk.world
    await show_allocation(world, taken(2))
    before = await shown(cluster)
    world_desk.clock.advance(60)
    await show_allocation(world, taken(2))
    assert await shown(cluster) == before
