"""The node: processes that live and die with it, their logs, and what the next node makes of a dead one."""

import asyncio
import os
import signal
import stat
import subprocess
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from adit.cluster.cluster import ClusterUnavailable, Manifest
from adit.cluster.embedded import EmbeddedCluster, EmbeddedNode
from adit.cluster.embedded.pod_log import PodLog, prune_logs
from adit.cluster.kinds import Ref
from adit.testing.cluster import job_manifest, secret_manifest
from adit.testing.cluster_contract import eventually

Program = Callable[..., subprocess.Popen[str]]
WORK = Ref("Job", "default", "work")

SAY_PID = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True));" + SAY_PID.replace(
    "time.sleep(600)", "[time.sleep(1) for _ in range(600)]"
)
WITH_CHILD = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session={own});"
    "print(child.pid, flush=True)"
)

RUN_NODE = """
import asyncio, pathlib, sys
from adit.cluster.embedded import EmbeddedCluster, EmbeddedNode

async def main(data):
    async with EmbeddedCluster.open(pathlib.Path(data)) as cluster:
        await EmbeddedNode(cluster, cluster.data).run()

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
async def node(cluster: EmbeddedCluster) -> AsyncIterator[EmbeddedNode]:
    async with EmbeddedNode(cluster, cluster.data) as node:
        yield node


def is_alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


async def is_dead(pid: int) -> bool:
    return not is_alive(pid)


def printed(data: Path) -> str:
    """What all pods have printed."""
    return "".join(path.read_text() for path in sorted((data / "logs").glob("work-*.log")))


async def pid_in_log(data: Path) -> int:
    async def look() -> str:
        return printed(data) if printed(data).endswith("\n") else ""

    return int((await eventually(look, 20)).split()[0])


async def when_over(cluster: EmbeddedCluster, kind: str = "Complete") -> Manifest:
    async def look() -> Manifest | None:
        job = await cluster.get(WORK)
        met = any(found["type"] == kind for found in job.get("status", {}).get("conditions", ()))
        return job if met else None

    job = await eventually(look, 20)
    assert job is not None
    return job


async def is_gone(cluster: EmbeddedCluster) -> bool:
    return not (await cluster.list("Job")).items


async def test_a_killed_node_takes_its_processes_with_it(cluster: EmbeddedCluster, start_program: Program) -> None:
    program = start_program(RUN_NODE, cluster.data)
    await cluster.create(job_manifest("work", SAY_PID))
    pid = await pid_in_log(cluster.data)
    assert is_alive(pid)
    program.kill()
    await eventually(partial(is_dead, pid), 5)


async def test_the_next_node_fails_what_a_killed_one_left_active(
    cluster: EmbeddedCluster, start_program: Program
) -> None:
    program = start_program(RUN_NODE, cluster.data)
    await cluster.create(job_manifest("work", SAY_PID))
    await pid_in_log(cluster.data)
    program.kill()
    program.wait()
    async with EmbeddedNode(cluster, cluster.data):
        job = await when_over(cluster, "Failed")
    assert job["status"]["active"] == 0
    assert "finalizers" not in job["metadata"]
    assert not list(cluster.data.glob("pods/*"))


async def test_a_job_deleted_after_its_node_was_killed_goes_with_the_next(
    cluster: EmbeddedCluster, start_program: Program
) -> None:
    program = start_program(RUN_NODE, cluster.data)
    await cluster.create(job_manifest("work", SAY_PID))
    await pid_in_log(cluster.data)
    program.kill()
    program.wait()
    await cluster.delete(WORK)
    assert "deletionTimestamp" in (await cluster.get(WORK))["metadata"]
    async with EmbeddedNode(cluster, cluster.data):
        await eventually(partial(is_gone, cluster), 10)


async def test_a_node_that_ends_stops_its_processes_and_says_so(cluster: EmbeddedCluster) -> None:
    async with EmbeddedNode(cluster, cluster.data):
        await cluster.create(job_manifest("work", SAY_PID))
        pid = await pid_in_log(cluster.data)
    assert not is_alive(pid)
    status = (await cluster.get(WORK))["status"]
    assert (status["active"], status["failed"]) == (0, 1)


async def test_a_node_that_is_cancelled_stops_its_processes(cluster: EmbeddedCluster) -> None:
    running = asyncio.create_task(EmbeddedNode(cluster, cluster.data).run())
    await cluster.create(job_manifest("work", SAY_PID))
    pid = await pid_in_log(cluster.data)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert not is_alive(pid)
    assert (await cluster.get(WORK))["status"]["failed"] == 1


async def test_a_node_interrupted_while_it_stops_kills(cluster: EmbeddedCluster) -> None:
    running = asyncio.create_task(EmbeddedNode(cluster, cluster.data).run())
    await cluster.create(job_manifest("work", STUBBORN, grace_seconds=600))
    pid = await pid_in_log(cluster.data)
    running.cancel()

    async def asked() -> bool:
        return "asked" in printed(cluster.data)

    await eventually(asked, 10)
    running.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([running])
    assert not is_alive(pid)


@pytest.mark.usefixtures("node")
async def test_an_interrupt_from_the_terminal_does_not_reach_a_runner(cluster: EmbeddedCluster) -> None:
    await cluster.create(job_manifest("work", SAY_PID))
    pid = await pid_in_log(cluster.data)
    assert os.getsid(pid) == pid
    assert os.getpgid(pid) != os.getpgid(0)


@pytest.mark.usefixtures("node")
async def test_two_nodes_of_one_folder_are_one_too_many(cluster: EmbeddedCluster) -> None:
    with pytest.raises(ClusterUnavailable, match="another process runs the jobs"):
        async with EmbeddedNode(cluster, cluster.data):
            pass


@pytest.mark.usefixtures("node")
async def test_a_process_that_will_not_end_is_killed_after_its_grace(cluster: EmbeddedCluster) -> None:
    await cluster.create(job_manifest("work", STUBBORN, grace_seconds=1))
    pid = await pid_in_log(cluster.data)
    await cluster.delete(WORK)
    leaving = await cluster.get(WORK)
    assert "deletionTimestamp" in leaving["metadata"]

    async def terminating() -> bool:
        return bool((await cluster.get(WORK))["status"]["terminating"])

    await eventually(terminating, 5)
    assert is_alive(pid)
    await eventually(partial(is_gone, cluster), 10)
    assert not is_alive(pid)
    assert "asked" in printed(cluster.data)


@pytest.mark.usefixtures("node")
async def test_a_pod_takes_along_what_it_started(cluster: EmbeddedCluster) -> None:
    await cluster.create(job_manifest("work", WITH_CHILD.format(own=False)))
    child = await pid_in_log(cluster.data)
    await when_over(cluster)
    await eventually(partial(is_dead, child), 5)


@pytest.mark.usefixtures("node")
async def test_a_child_that_hid_away_does_not_hold_its_job_up(cluster: EmbeddedCluster) -> None:
    await cluster.create(job_manifest("work", WITH_CHILD.format(own=True)))
    child = await pid_in_log(cluster.data)

    async def released() -> bool:
        return "finalizers" not in (await cluster.get(WORK))["metadata"]

    try:
        await when_over(cluster)
        await eventually(released, 10)
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.usefixtures("node")
async def test_a_command_that_does_not_exist_fails_with_words_in_the_log(cluster: EmbeddedCluster) -> None:
    job = job_manifest("work")
    job["spec"]["template"]["spec"]["containers"][0]["command"] = ["/no/such/program"]
    await cluster.create(job)
    await when_over(cluster, "Failed")
    assert printed(cluster.data) == "/no/such/program cannot be run: No such file or directory\n"


@pytest.mark.usefixtures("node")
async def test_secrets_of_a_pod_are_removed_after_it(cluster: EmbeddedCluster) -> None:
    await cluster.create(secret_manifest("key", {"key": "treasure"}))
    job = job_manifest("work", "import os; print(os.listdir(os.environ['K']))", env={"K": "/etc/adit/key"})
    spec = job["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "key", "secret": {"secretName": "key"}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "key", "mountPath": "/etc/adit/key"}]
    await cluster.create(job)
    await when_over(cluster)

    async def removed() -> bool:
        return not list((cluster.data / "pods").iterdir())

    await eventually(removed, 5)
    assert printed(cluster.data) == "['key']\n"


@pytest.mark.usefixtures("node")
async def test_a_pods_log_is_named_by_its_job_and_private(cluster: EmbeddedCluster) -> None:
    await cluster.create(job_manifest("work", "print('grün')\nraise SystemExit(1)"))
    job = await when_over(cluster, "Failed")
    log = cluster.data / "logs" / f"{job['metadata']['annotations']['adit.dev/pod-name']}.log"
    assert log.read_text() == "grün\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.usefixtures("node")
async def test_a_second_mention_of_a_job_runs_it_once(cluster: EmbeddedCluster) -> None:
    await cluster.create(job_manifest("work", "print('ran')"))
    for number in range(20):
        await cluster.patch(WORK, {"metadata": {"labels": {"n": str(number)}}})
    await when_over(cluster)
    assert printed(cluster.data) == "ran\n"


def test_a_log_never_grows_beyond_twice_its_limit(tmp_path: Path) -> None:
    log = PodLog(tmp_path, "work-1", max_bytes=100)
    for number in range(100):
        log.write(f"line {number:03}\n".encode())
    log.close()
    newer, older = (tmp_path / "logs" / name for name in ("work-1.log", "work-1.log.1"))
    assert newer.read_text().endswith("line 099\n")
    assert newer.stat().st_size <= 100
    assert older.stat().st_size <= 100


def test_the_newest_logs_are_kept(tmp_path: Path) -> None:
    for number in range(5):
        log = PodLog(tmp_path, f"work-{number}", max_bytes=3)
        log.write(b"one")
        log.write(b"two")
        log.close()
        os.utime(tmp_path / "logs" / f"work-{number}.log", (number, number))
    prune_logs(tmp_path, keep=2)
    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == ["work-3.log", "work-3.log.1", "work-4.log", "work-4.log.1"]
