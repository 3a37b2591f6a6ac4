import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from adit.cluster.cluster import Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.cluster.kinds import Ref
from adit.testing.cluster import transfer_job_manifest
from adit_operator.idle import idle
from adit_operator.observed import SeenSet, SeenTransfer
from adit_operator.operator import Operator
from adit_operator.settings import OperatorSettings
from adit_operator.testing.builders import seen_set, seen_transfer
from adit_operator.testing.desk import Desk
from adit_operator.testing.fakes import START, FakeProber, ManualClock

NIGHT = Ref("TransferJob", "default", "night")
KEPT = seen_set("S", finished=True, active=False)


@pytest.mark.parametrize(
    ("transfer", "sets", "nothing"),
    [
        ({}, (KEPT,), True),
        ({"settled": False}, (KEPT,), False),
        ({"due": START}, (KEPT,), False),
        ({"due": START + timedelta(seconds=1)}, (KEPT,), True),
        ({"compacted": True}, (), True),
        ({"compacted": True}, (KEPT,), False),
        ({}, (seen_set("S", finished=True, active=True),), False),
    ],
)
def test_a_finished_job_is_idle_unless_something_of_it_is_to_be_done(
    transfer: dict[str, Any],
    sets: tuple[SeenSet, ...],
    nothing: bool,  # noqa: FBT001 - a parameter of the table
) -> None:
    seen = seen_transfer(**{"terminal": True, "settled": True, **transfer})
    assert idle(seen, sets, START) is nothing


async def finished(desk: Desk, name: str = "night", **spec: Any) -> SeenTransfer:
    job = transfer_job_manifest(name)
    await desk.cluster.create({**job, "spec": {**job["spec"], **spec}})
    await desk.play_all()
    return desk.world.cache.transfers[Ref("TransferJob", "default", name)]


async def test_a_job_that_is_over_is_settled_until_somebody_changes_it(desk: Desk) -> None:
    seen = await finished(desk)
    assert seen.settled
    assert idle(seen, desk.world.cache.sets_of(seen.uid), START)
    for change in ({"priority": 7}, {"retry": {"token": "again", "scope": "All"}}):
        await desk.change(change)
        await desk.see_all()
        assert not desk.world.cache.transfers[NIGHT].settled
        await desk.play_all()
        assert desk.world.cache.transfers[NIGHT].settled


async def test_a_job_is_due_when_its_retention_removes_something(desk: Desk) -> None:
    spans = {"recordsSecondsAfterFinished": 60, "ttlSecondsAfterFinished": 600}
    seen = await finished(desk, retention=spans)
    assert seen.due == START + timedelta(seconds=60)
    desk.clock.advance(60)
    await desk.settle()
    seen = desk.world.cache.transfers[NIGHT]
    assert (seen.compacted, seen.due) == (True, START + timedelta(seconds=600))
    assert idle(seen, desk.world.cache.sets_of(seen.uid), desk.clock.now())


class Counting:
    """A cluster that counts how often each job is read."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self.cluster = cluster
        self.read: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    async def get(self, ref: Ref) -> Manifest:
        self.read[ref.name] += ref.kind == "TransferJob"
        return await self.cluster.get(ref)


async def test_of_many_finished_jobs_only_those_with_something_to_do_are_read(
    cluster: EmbeddedCluster, desk: Desk
) -> None:
    await finished(desk)
    await finished(desk, "kept", retention={"recordsSecondsAfterFinished": 60})
    await finished(desk, "due", retention={"recordsSecondsAfterFinished": 1})
    await cluster.create(transfer_job_manifest("new"))
    counting, clock = Counting(cluster), ManualClock(START + timedelta(seconds=30))
    operator = Operator(counting, FlockLease(cluster.data), OperatorSettings(), FakeProber(), clock)
    running = asyncio.create_task(operator.run())
    try:
        async with asyncio.timeout(10):
            while not (counting.read["due"] >= 2 and counting.read["new"] >= 2):  # noqa: ASYNC110  # it lies in a file
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert (counting.read["night"], counting.read["kept"]) == (0, 0)
