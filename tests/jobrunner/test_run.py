"""A whole run of one attempt: what stands in the status afterwards, and the exit code."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adit.api.resource import TaskSet
from adit.api.task_set import RunnerStatus
from adit.cluster.cluster import Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.errors import AccessDenied, PeerUnavailable, RetryableError
from adit.testing.connectors import FakeConnector, FakeFaults, fake_study
from adit.testing.task_sets import task_set_manifest, write_runner_config
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.record import decode
from adit_jobrunner.control import Control
from adit_jobrunner.exit_codes import ExitCode

Run = Callable[..., Awaitable[ExitCode]]
STUDIES = ("1.2.3", "1.2.4", "1.2.5")


def source(studies: tuple[str, ...] = STUDIES, faults: FakeFaults | None = None) -> FakeConnector:
    return FakeConnector("pacs", [one for study in studies for one in fake_study(4, study=study)], faults)


async def read(cluster: EmbeddedCluster, made: Manifest) -> TaskSet:
    return TaskSet.read(await cluster.get(Ref.of(made)))


async def runner_of(cluster: EmbeddedCluster, made: Manifest) -> RunnerStatus:
    status = (await read(cluster, made)).status
    assert status.holder is None
    assert status.runner is not None
    return status.runner


async def test_a_finished_set_ends_done_with_every_count_and_no_holder(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    assert await run_runner(made, source(), FakeConnector("research")) == ExitCode.DONE
    runner = await runner_of(cluster, made)
    assert (runner.states, runner.current, runner.retries) == ("SSS", None, ())
    assert runner.ended is not None
    assert runner.ended.reason == "Done"
    assert (runner.instances.expected, runner.instances.verified) == (12, 12)
    assert runner.bytes > 0
    assert [line.id for line in decode(runner.exceptions).tasks] == ["t0", "t1", "t2"]


async def test_warned_and_failed_tasks_are_named_by_reason(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest(studies=("1.2.3", "1.2.4", "9.9")))
    faults = FakeFaults(withheld=frozenset({"1.2.4.1.2"}))
    assert await run_runner(made, source(faults=faults), FakeConnector("research")) == ExitCode.DONE
    runner = await runner_of(cluster, made)
    assert (runner.states, runner.reasons) == ("SWF", {"NotReceived": 1, "StudyNotFound": 1})
    lost = [entry for entry in decode(runner.exceptions).entries if entry.kind == "Lost"]
    assert [(entry.task, entry.instance) for entry in lost] == [("t1", "1.2.4.1.2")]


async def test_a_retryable_task_stays_pending_with_its_due_time_and_the_runner_says_retry_later(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    refused = StoreOutcome("1.2.4.1.2", stored=False, status=0xA700, reason="OutOfResources", retryable=True)
    destination = FakeConnector("research", faults=FakeFaults(refuse={"1.2.4.1.2": refused}))
    assert await run_runner(made, source(), destination) == ExitCode.AGAIN
    runner = await runner_of(cluster, made)
    assert runner.ended is not None
    assert (runner.ended.reason, runner.states, runner.reasons) == ("RetryLater", "SPS", {})
    [retry] = runner.retries
    assert (retry.id, retry.attempts, retry.reason) == ("t1", 1, "OutOfResources")
    assert retry.due_time in runner.ended.message
    assert runner.instances.expected == 8


async def test_a_task_that_is_not_due_is_left_alone_by_the_next_attempt(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest())
    faults = FakeFaults(fetch_ends_after=1)
    await run_runner(made, source(faults=faults), FakeConnector("research"))
    later = source()
    assert await run_runner(made, later, FakeConnector("research"), attempt=1) == ExitCode.AGAIN
    assert later.log == ["close"]
    assert (await runner_of(cluster, made)).retries[0].attempts == 1


async def test_the_third_attempt_is_the_last_and_names_what_is_missing(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest())
    faults = FakeFaults(fetch_ends_after=1)
    code = await run_runner(made, source(faults=faults), FakeConnector("research"), ADIT_RETRY_SECONDS="0")
    runner = await runner_of(cluster, made)
    assert (code, runner.states, runner.retries) == (ExitCode.DONE, "W", ())
    assert runner.instances.verified == 2
    assert sum(entry.kind == "Lost" for entry in decode(runner.exceptions).entries) == 2


async def test_a_peer_that_is_away_spends_no_attempt(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    faults = FakeFaults(on_find=PeerUnavailable("pacs: nobody answers at 127.0.0.1:1"))
    assert await run_runner(made, source(faults=faults), FakeConnector("research")) == ExitCode.AGAIN
    runner = await runner_of(cluster, made)
    assert runner.ended is not None
    assert (runner.ended.reason, runner.states, runner.retries) == ("PeerUnavailable", "PPP", ())
    assert "127.0.0.1:1" in runner.ended.message


async def test_a_peer_that_refuses_us_ends_the_set_without_failing_its_tasks(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    destination = FakeConnector("research", faults=FakeFaults(on_store=AccessDenied("research: unknown AE title")))
    assert await run_runner(made, source(), destination) == ExitCode.GIVE_UP
    runner = await runner_of(cluster, made)
    assert runner.ended is not None
    assert (runner.ended.reason, runner.states) == ("AccessDenied", "PPP")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"contract": 2}, "speaks contract 2"),
        ({"source": {"aeTitle": "PACS"}}, "source/server.json"),
    ],
)
async def test_a_config_that_cannot_be_read_is_bad_input_in_words(
    cluster: EmbeddedCluster, run_runner: Run, tmp_path: Path, broken: dict[str, Any], words: str
) -> None:
    made = await cluster.create(task_set_manifest())
    config = write_runner_config(tmp_path / "broken", **broken)
    assert await run_runner(made, source(), FakeConnector("research"), config=config) == ExitCode.GIVE_UP
    runner = await runner_of(cluster, made)
    assert runner.ended is not None
    assert runner.ended.reason == "BadInput"
    assert words in runner.ended.message


async def test_a_stop_after_the_task_leaves_the_rest_pending(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    await cluster.patch(Ref.of(made), {"spec": {"stop": "AfterTask"}})
    here = source()
    assert await run_runner(made, here, FakeConnector("research")) == ExitCode.AGAIN
    runner = await runner_of(cluster, made)
    assert runner.ended is not None
    assert (runner.ended.reason, runner.states) == ("Stopped", "PPP")
    assert "fetch 1.2.3" not in here.log


async def test_a_stop_set_while_a_task_is_worked_is_read_from_the_next_answer(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    loop = asyncio.get_running_loop()
    here, there = source(), FakeConnector("research")

    def stop_once() -> None:
        here.on_instance = lambda: None
        patch = cluster.patch(Ref.of(made), {"spec": {"stop": "AfterTask"}})
        asyncio.run_coroutine_threadsafe(patch, loop).result()

    here.on_instance = stop_once
    await run_runner(made, here, there)
    runner = await runner_of(cluster, made)
    assert runner.ended is not None
    assert (runner.ended.reason, runner.states) == ("Stopped", "SPP")


async def test_a_stop_now_ends_between_two_instances_and_the_task_stays_pending(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    here, there, control = source(), FakeConnector("research"), Control()

    def stop_after_the_sixth() -> None:
        if len(there.held) == 6:
            control.stop("Now")

    there.on_stored = stop_after_the_sixth
    assert await run_runner(made, here, there, control=control) == ExitCode.AGAIN
    runner = await runner_of(cluster, made)
    assert runner.ended is not None
    assert (runner.ended.reason, runner.states, runner.instances.expected) == ("Stopped", "SPP", 4)
    assert len(there.held) == 6


async def test_the_next_attempt_resumes_and_repeats_no_finished_task(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    here, there = source(), FakeConnector("research")
    faults = there.faults
    there.faults = replace(faults, store_ends_after=None)
    control = Control()
    there.on_stored = lambda: control.stop("AfterTask") if len(there.held) == 5 else None
    await run_runner(made, here, there, control=control)
    assert (await runner_of(cluster, made)).states == "SSP"
    again = source()
    assert await run_runner(made, again, there, attempt=1) == ExitCode.DONE
    assert [line for line in again.log if line.startswith("fetch")] == ["fetch 1.2.5"]
    runner = await runner_of(cluster, made)
    assert (runner.states, runner.instances.verified, runner.attempt) == ("SSS", 12, 1)


async def test_a_task_that_the_operator_closed_is_not_worked(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    verdict = {"crashes": 0, "overrides": [{"id": "t1", "state": "F", "reason": "RunnerCrash"}]}
    await cluster.patch_status(Ref.of(made), {"verdict": verdict})
    here = source()
    assert await run_runner(made, here, FakeConnector("research")) == ExitCode.DONE
    assert "fetch 1.2.4" not in here.log
    assert (await runner_of(cluster, made)).states == "SPS"


async def test_a_set_that_has_crashed_says_what_it_works_before_each_task(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=STUDIES))
    await cluster.patch_status(Ref.of(made), {"verdict": {"crashes": 1}})
    loop = asyncio.get_running_loop()
    here, seen = source(), []

    def look() -> None:
        status = asyncio.run_coroutine_threadsafe(cluster.get(Ref.of(made)), loop).result()["status"]
        seen.append(status["runner"].get("current"))

    here.on_instance = look
    await run_runner(made, here, FakeConnector("research"), ADIT_FLUSH_SECONDS="60", ADIT_FLUSH_TASKS="100")
    assert seen == ["t0"] * 4 + ["t1"] * 4 + ["t2"] * 4


async def test_progress_of_the_task_in_hand_shows_and_never_counts_twice(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=("1.2.3",)))
    loop = asyncio.get_running_loop()
    here, there = source(), FakeConnector("research")
    seen: list[int] = []

    async def stored() -> int:
        status = (await cluster.get(Ref.of(made)))["status"]
        return int(status["runner"].get("instances", {}).get("stored", -1))

    async def look_after_a_flush() -> None:
        async with asyncio.timeout(10):
            while (now := await stored()) < len(seen):  # noqa: ASYNC110 - a flush tells nobody
                await asyncio.sleep(0.01)
        seen.append(now)

    there.on_stored = lambda: asyncio.run_coroutine_threadsafe(look_after_a_flush(), loop).result()
    await run_runner(made, here, there, ADIT_FLUSH_SECONDS="0.01")
    assert seen == [0, 1, 2, 3]
    assert (await runner_of(cluster, made)).instances.stored == 4


async def test_a_sign_of_life_brings_the_progress_of_the_work_with_it(
    cluster: EmbeddedCluster, run_runner: Run
) -> None:
    made = await cluster.create(task_set_manifest(studies=("1.2.3", "1.2.4")))
    loop = asyncio.get_running_loop()
    here = source()
    seen: set[str] = set()

    async def states() -> str:
        return str((await cluster.get(Ref.of(made)))["status"]["runner"].get("states", ""))

    async def look_after_a_sign() -> None:
        wanted = "SP" if "fetch 1.2.4" in here.log else "PP"
        async with asyncio.timeout(10):
            while await states() != wanted:  # noqa: ASYNC110 - a sign of life tells nobody
                await asyncio.sleep(0.01)
        seen.add(wanted)

    here.on_instance = lambda: asyncio.run_coroutine_threadsafe(look_after_a_sign(), loop).result()
    rare = {"ADIT_FLUSH_SECONDS": "60", "ADIT_FLUSH_TASKS": "100"}
    await run_runner(made, here, FakeConnector("research"), ADIT_HEARTBEAT_SECONDS="0.01", **rare)
    assert seen == {"PP", "SP"}
    assert (await runner_of(cluster, made)).states == "SS"


async def test_the_retryable_error_of_a_listing_is_a_retry(cluster: EmbeddedCluster, run_runner: Run) -> None:
    made = await cluster.create(task_set_manifest())
    faults = FakeFaults(on_find=RetryableError("pacs is busy", reason="PeerBusy"))
    await run_runner(made, source(faults=faults), FakeConnector("research"))
    assert [retry.reason for retry in (await runner_of(cluster, made)).retries] == ["PeerBusy"]


async def test_the_spool_is_gone_afterwards(cluster: EmbeddedCluster, run_runner: Run, tmp_path: Path) -> None:
    made = await cluster.create(task_set_manifest())
    leftover = tmp_path / "spool" / made["metadata"]["name"] / "of-a-crash"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"x")
    await run_runner(made, source(), FakeConnector("research"))
    assert list((tmp_path / "spool").iterdir()) == []
