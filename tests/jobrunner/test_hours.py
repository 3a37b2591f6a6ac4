"""A runner outside opening hours: it stops itself, there is no operator in any of these tests."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adit.api.resource import TaskSet
from adit.api.task_set import Ended, RunnerStatus
from adit.api.window import Window
from adit.cluster.cluster import Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.testing.connectors import FakeConnector, fake_study
from adit.testing.task_sets import server_spec, task_set_manifest, write_runner_config
from adit_jobrunner.exit_codes import ExitCode
from adit_jobrunner.hours import LONGEST_SLEEP, Hours, keep_hours

Run = Callable[..., Awaitable[ExitCode]]
CLOSING = datetime(2026, 1, 2, 6, tzinfo=UTC)
NIGHT = {"start": "22:00", "end": "06:00"}
STUDIES = ("1.2.3", "1.2.4", "1.2.5")


def hours(**servers: Window) -> Hours:
    return Hours(tuple((name, (window,)) for name, window in servers.items()))


def window(start: str = "22:00", end: str = "06:00", *, hard: bool = False) -> Window:
    return Window(start=start, end=end, hard=hard)


def running_from(moment: datetime) -> Callable[[], datetime]:
    """A clock that shows this moment now, and goes on."""
    begun = time.monotonic()
    return lambda: moment + timedelta(seconds=time.monotonic() - begun)


async def stops_of(one: Hours, moments: list[datetime]) -> tuple[list[tuple[str, str]], list[float]]:
    """What is said while the clock shows these moments one after the other, and how long was slept in between."""
    said: list[tuple[str, str]] = []
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    shown = iter(moments)
    await keep_hours(one, lambda: next(shown), lambda when, why: said.append((when, why)), sleep=sleep)
    return said, slept


@pytest.mark.parametrize(("hard", "when"), [(False, "AfterTask"), (True, "Now")])
async def test_the_end_of_a_window_stops_after_the_task_and_a_hard_one_now(hard: bool, when: str) -> None:  # noqa: FBT001 - a parameter of the test
    second = timedelta(seconds=1)
    moments = [CLOSING - second, CLOSING - second, CLOSING]
    assert await stops_of(hours(pacs=window(hard=hard)), moments) == (
        [(when, "the window of pacs has closed; the work can go on at 2026-01-02 22:00 UTC")],
        [1.0],
    )


async def test_the_clock_is_looked_at_again_and_again_for_it_may_be_set() -> None:
    hour = timedelta(hours=1)
    said, slept = await stops_of(hours(pacs=window()), [CLOSING - hour, CLOSING - hour, CLOSING + hour])
    assert slept == [LONGEST_SLEEP]
    assert [when for when, _ in said] == ["AfterTask"]


async def test_a_window_that_opened_again_while_the_machine_slept_stops_nobody() -> None:
    night = CLOSING - timedelta(hours=1)
    moments = [night, night, night + timedelta(days=1), CLOSING + timedelta(days=1)]
    said, _ = await stops_of(hours(pacs=window()), moments)
    assert len(said) == 1


async def test_without_a_window_nobody_watches_the_clock() -> None:
    assert await stops_of(Hours((("pacs", ()), ("research", ()))), [CLOSING]) == ([], [])


def test_it_is_said_who_is_closed_and_when_both_are_open_again() -> None:
    one = hours(pacs=window("22:00", "06:00"), research=window("00:00", "04:00"))
    assert one.closed(CLOSING - timedelta(hours=4)) == ""
    assert one.closed(CLOSING - timedelta(hours=1)) == (
        "the window of research has closed; the work can go on at 2026-01-03 00:00 UTC"
    )
    assert one.closed(CLOSING).startswith("the window of pacs and research has closed")
    never = hours(pacs=window("22:00", "06:00"), research=window("08:00", "09:00"))
    assert "no moment at which both servers are open" in never.closed(CLOSING)


# the runner itself ----------------------------------------------------------------------------------------------------


@pytest.fixture(name="made")
async def _made(cluster: EmbeddedCluster) -> Manifest:
    return await cluster.create(task_set_manifest(studies=STUDIES))


def source() -> FakeConnector:
    return FakeConnector("pacs", [one for study in STUDIES for one in fake_study(4, study=study)])


def config(folder: Path, *, source: dict[str, Any] | None = None, destination: dict[str, Any] | None = None) -> Path:
    return write_runner_config(
        folder,
        source=server_spec(windows=[source] if source else []),
        destination=server_spec(verification={"settleSeconds": 0}, windows=[destination] if destination else []),
    )


async def last_word(cluster: EmbeddedCluster, made: Manifest) -> tuple[RunnerStatus, Ended]:
    status = TaskSet.read(await cluster.get(Ref.of(made))).status
    assert status.runner is not None
    assert status.runner.ended is not None
    return status.runner, status.runner.ended


async def test_a_runner_that_starts_outside_a_window_begins_no_task(
    cluster: EmbeddedCluster, run_runner: Run, made: Manifest, tmp_path: Path
) -> None:
    here = source()
    code = await run_runner(
        made,
        here,
        FakeConnector("research"),
        config=config(tmp_path / "night", destination=NIGHT),
        now=running_from(CLOSING),
    )
    runner, word = await last_word(cluster, made)
    assert (code, runner.states, here.log) == (ExitCode.AGAIN, "PPP", ["close"])
    assert (word.reason, word.message) == (
        "Stopped",
        "the window of research has closed; the work can go on at 2026-01-02 22:00 UTC",
    )


async def test_a_window_that_closes_lets_the_task_in_hand_finish(
    cluster: EmbeddedCluster, run_runner: Run, made: Manifest, tmp_path: Path
) -> None:
    here, there = source(), FakeConnector("research")
    now = running_from(CLOSING - timedelta(seconds=0.2))
    here.on_instance = lambda: wait_for(lambda: now() > CLOSING + timedelta(seconds=0.1))
    await run_runner(made, here, there, config=config(tmp_path / "night", source=NIGHT), now=now)
    runner, word = await last_word(cluster, made)
    assert (runner.states, len(there.held)) == ("SPP", 4)
    assert word.reason == "Stopped"
    assert "window of pacs has closed" in word.message


async def test_a_hard_end_interrupts_the_task_in_hand(
    cluster: EmbeddedCluster, run_runner: Run, made: Manifest, tmp_path: Path
) -> None:
    here, there = source(), FakeConnector("research")
    now = running_from(CLOSING - timedelta(seconds=0.2))
    there.on_stored = lambda: wait_for(lambda: now() > CLOSING + timedelta(seconds=0.1))
    await run_runner(made, here, there, config=config(tmp_path / "hard", source={**NIGHT, "hard": True}), now=now)
    runner, word = await last_word(cluster, made)
    assert (runner.states, len(there.held)) == ("PPP", 1)
    assert word.reason == "Stopped"
    assert "window of pacs has closed" in word.message


async def test_a_peer_that_keeps_silent_over_a_hard_end_is_torn_down(
    cluster: EmbeddedCluster, run_runner: Run, made: Manifest, tmp_path: Path
) -> None:
    here = source()
    here.on_instance = lambda: wait_for(lambda: here.aborted)
    await run_runner(
        made,
        here,
        FakeConnector("research"),
        config=config(tmp_path / "hard", source={**NIGHT, "hard": True}),
        now=running_from(CLOSING - timedelta(seconds=0.2)),
        ADIT_GRACE_SECONDS="0.1",
    )
    runner, word = await last_word(cluster, made)
    assert (runner.states, word.reason) == ("PPP", "Stopped")


async def test_a_set_that_is_finished_when_the_window_closes_is_done(
    cluster: EmbeddedCluster, run_runner: Run, tmp_path: Path
) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES[:1]))
    here = source()
    now = running_from(CLOSING - timedelta(seconds=0.2))
    here.on_instance = lambda: wait_for(lambda: now() > CLOSING + timedelta(seconds=0.1))
    assert await run_runner(
        made, here, FakeConnector("research"), config=config(tmp_path / "night", source=NIGHT), now=now
    ) == (ExitCode.DONE)


def wait_for(condition: Callable[[], bool]) -> None:
    """On the DICOM thread: be busy with an instance until then."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
