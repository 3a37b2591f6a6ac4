"""The sign of life, and what happens to a runner that cannot give it."""

import asyncio
from dataclasses import dataclass, field

from adit.api.task_set import Holder
from adit.cluster.cluster import ClusterUnavailable, Manifest
from adit.testing.connectors import FakeConnector
from adit.testing.transfers import FakeClock
from adit_jobrunner.control import Control
from adit_jobrunner.heartbeat import Rhythm, keep_alive
from adit_jobrunner.status import HolderLost


@dataclass
class FakeWriter:
    """Notes when it was written to; answers with the next of its errors, then with silence."""

    clock: FakeClock
    errors: list[Exception] = field(default_factory=list)
    renewals: list[float] = field(default_factory=list)
    away: bool = False
    most: int = 3

    async def write(self, patch: Manifest) -> None:
        assert patch["holder"]["podUid"] == "u"
        if self.away:
            raise ClusterUnavailable("nobody answers")
        if self.errors:
            raise self.errors.pop(0)
        self.renewals.append(self.clock.now)
        if len(self.renewals) == self.most:
            self.away = True


async def beat(writer: FakeWriter, control: Control, clock: FakeClock) -> None:
    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        await asyncio.sleep(0)

    def holder() -> Holder:
        return Holder(pod_name="p", pod_uid="u", renew_time="2024-01-01T00:00:00Z")

    await keep_alive(writer, holder, control, Rhythm(10, 40, clock.read, sleep))


async def test_it_renews_every_ten_seconds_and_gives_up_forty_after_the_last() -> None:
    clock, control = FakeClock(), Control()
    writer = FakeWriter(clock)
    await beat(writer, control, clock)
    assert writer.renewals == [10, 20, 30]
    assert control.lost
    assert 70 <= clock.now < 72


async def test_one_missed_answer_is_made_up_at_once() -> None:
    clock, control = FakeClock(), Control()
    writer = FakeWriter(clock, errors=[ClusterUnavailable("restarting")], most=1)
    await beat(writer, control, clock)
    assert writer.renewals == [11]


async def test_losing_the_set_tears_the_associations_down_at_once() -> None:
    clock, control, peer = FakeClock(), Control(), FakeConnector("pacs")
    control.watch((peer,))
    await beat(FakeWriter(clock, errors=[HolderLost("another runner holds the TaskSet")]), control, clock)
    assert (control.lost, control.stop_now(), peer.aborted) == (True, True, True)
    assert clock.now == 10
