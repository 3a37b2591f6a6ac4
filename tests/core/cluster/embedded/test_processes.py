"""Several processes and many tasks on one file: nothing is lost, and the dead hold nothing up."""

import asyncio
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from adit.cluster.cluster import Conflict
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.testing.cluster import config_map_manifest

Program = Callable[..., subprocess.Popen[str]]
SETTINGS = Ref("ConfigMap", "default", "settings")

COUNT = """
import asyncio, pathlib, sys
from adit.cluster.cluster import Conflict
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref

async def main(data, times):
    ref = Ref("ConfigMap", "default", "settings")
    async with EmbeddedCluster.open(pathlib.Path(data)) as cluster:
        print("open", flush=True)
        sys.stdin.readline()
        while times:
            seen = await cluster.get(ref)
            change = {"data": {"count": str(int(seen["data"]["count"]) + 1)}}
            try:
                await cluster.patch(ref, change, resource_version=seen["metadata"]["resourceVersion"])
                times -= 1
            except Conflict:
                pass

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""

HANG_IN_TRANSACTION = """
import pathlib, sys, time
from adit.cluster.embedded.store import LogLimits, Store
from adit.cluster.kinds import Ref

store = Store(pathlib.Path(sys.argv[1]) / "cluster.db", LogLimits())
with store.writing():
    live = store.read(Ref("ConfigMap", "default", "settings"))
    store.write("MODIFIED", live, {**live, "data": {"count": "never"}})
    print("written", flush=True)
    time.sleep(600)
"""

WRITE_ALL_THE_TIME = """
import pathlib, sys, time
from adit.cluster.embedded.store import LogLimits, Store

store = Store(pathlib.Path(sys.argv[1]) / "cluster.db", LogLimits())
print("open", flush=True)
while True:
    with store.writing():
        time.sleep(0.002)
"""

CHANGE_ONCE = """
import asyncio, pathlib, sys
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref

async def main(data):
    async with EmbeddedCluster.open(pathlib.Path(data)) as cluster:
        await cluster.patch(Ref("ConfigMap", "default", "settings"), {"data": {"count": "7"}})

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
async def _settings(cluster: EmbeddedCluster) -> None:
    await cluster.create(config_map_manifest("settings", {"count": "0"}))


async def test_no_update_of_three_processes_is_lost(cluster: EmbeddedCluster, start_program: Program) -> None:
    programs = [start_program(COUNT, cluster.data, 40) for _ in range(3)]
    for program in programs:
        assert program.stdout is not None
        assert await asyncio.to_thread(program.stdout.readline) == "open\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    assert [await asyncio.to_thread(program.wait) for program in programs] == [0, 0, 0]
    assert (await cluster.get(SETTINGS))["data"] == {"count": "120"}


async def test_no_update_of_many_tasks_is_lost(cluster: EmbeddedCluster) -> None:
    async def count() -> None:
        while True:
            seen = await cluster.get(SETTINGS)
            change = {"data": {"count": str(int(seen["data"]["count"]) + 1)}}
            try:
                await cluster.patch(SETTINGS, change, resource_version=seen["metadata"]["resourceVersion"])
            except Conflict:
                continue
            return

    await asyncio.gather(*(count() for _ in range(50)))
    assert (await cluster.get(SETTINGS))["data"] == {"count": "50"}


async def test_of_many_that_create_one_name_one_succeeds(cluster: EmbeddedCluster) -> None:
    manifest = config_map_manifest("wanted")
    results = await asyncio.gather(*(cluster.create(manifest) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, dict) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 19


async def test_a_writer_killed_in_its_transaction_leaves_nothing(
    cluster: EmbeddedCluster, start_program: Program
) -> None:
    before = await cluster.get(SETTINGS)
    program = start_program(HANG_IN_TRANSACTION, cluster.data)
    assert program.stdout is not None
    assert await asyncio.to_thread(program.stdout.readline) == "written\n"
    assert await cluster.get(SETTINGS) == before  # readers never wait
    program.kill()
    async with asyncio.timeout(5):
        after = await cluster.patch(SETTINGS, {"data": {"count": "1"}})
    assert after["data"] == {"count": "1"}
    assert int(after["metadata"]["resourceVersion"]) == int(before["metadata"]["resourceVersion"]) + 1


async def test_a_watch_is_told_what_another_process_wrote(cluster: EmbeddedCluster, start_program: Program) -> None:
    since = (await cluster.list("ConfigMap")).resource_version
    async with asyncio.timeout(30), cluster.watch("ConfigMap", since=since) as events:
        start_program(CHANGE_ONCE, cluster.data)
        event = await anext(events)
    assert event.object["data"] == {"count": "7"}


async def test_a_watch_of_one_client_is_told_what_another_wrote_soon(cluster: EmbeddedCluster) -> None:
    since = (await cluster.list("ConfigMap")).resource_version
    async with EmbeddedCluster.open(cluster.data) as other, cluster.watch("ConfigMap", since=since) as events:
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.1)
        await other.patch(SETTINGS, {"data": {"count": "8"}})
        async with asyncio.timeout(1):
            event = await waiting
    assert event.object["data"] == {"count": "8"}


async def test_a_request_to_a_closed_cluster_is_refused_in_words(tmp_path: Path) -> None:
    cluster = EmbeddedCluster.open(tmp_path / "other")
    await cluster.close()
    with pytest.raises(Exception, match="closed"):
        await cluster.get(SETTINGS)


async def test_the_event_loop_goes_on_while_another_process_holds_the_file(
    cluster: EmbeddedCluster, start_program: Program
) -> None:
    program = start_program(HANG_IN_TRANSACTION, cluster.data)
    assert program.stdout is not None
    assert await asyncio.to_thread(program.stdout.readline) == "written\n"
    waiting = asyncio.ensure_future(cluster.patch(SETTINGS, {"data": {"count": "1"}}))
    ticks = 0
    async with asyncio.timeout(5):
        while ticks < 20:
            await asyncio.sleep(0.01)
            ticks += 1
    assert not waiting.done()
    program.kill()
    await waiting


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path / "kept") as first:
        made = await first.create(config_map_manifest("settings", {"a": "1"}))
    async with EmbeddedCluster.open(tmp_path / "kept") as second:
        assert await second.get(SETTINGS) == made


async def test_a_watch_goes_on_over_a_restart(tmp_path: Path) -> None:
    async with EmbeddedCluster.open(tmp_path / "kept") as first:
        since = (await first.list("ConfigMap")).resource_version
        await first.create(config_map_manifest("settings"))
    async with EmbeddedCluster.open(tmp_path / "kept") as second, second.watch("ConfigMap", since=since) as events:
        assert (await anext(events)).object["metadata"]["name"] == "settings"


async def test_many_open_one_new_folder_at_once(tmp_path: Path) -> None:
    opened = await asyncio.gather(*(asyncio.to_thread(EmbeddedCluster.open, tmp_path / "new") for _ in range(8)))
    await opened[0].create(config_map_manifest("settings"))
    for cluster in opened:
        assert (await cluster.get(SETTINGS))["data"] == {}
        await cluster.close()


async def test_a_writer_gets_its_turn_among_busy_ones(cluster: EmbeddedCluster, start_program: Program) -> None:
    for program in [start_program(WRITE_ALL_THE_TIME, cluster.data) for _ in range(2)]:
        assert program.stdout is not None
        assert await asyncio.to_thread(program.stdout.readline) == "open\n"
    waited = []
    for number in range(20):
        await asyncio.sleep(0.02)
        start = time.monotonic()
        await cluster.patch(SETTINGS, {"data": {"count": str(number)}})
        waited.append(time.monotonic() - start)
    # by SQLite's own pauses, which grow to 100 ms, it is a second at least
    assert median(waited) < 0.3
