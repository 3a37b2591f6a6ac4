"""The runner as a process between two loopback PACS: killed, stopped, and started where it cannot work."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from adit.api.resource import TaskSet
from adit.cluster.cluster import Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import ADIT_COMPATIBLE, BUILT_IN
from adit.testing.datasets import Study, ct_study
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import Patient
from adit.testing.task_sets import runner_environment, server_spec, task_set_manifest, write_runner_config
from adit.transfer.record import decode
from adit_jobrunner.exit_codes import ExitCode

PATIENT = Patient("P1", "Doe^Jane")
PROFILE, KEY = BUILT_IN[ADIT_COMPATIBLE], ProjectKey(bytes(range(32)))


@dataclass(frozen=True)
class Hospital:
    """Two PACS, the studies of the first, and where the runner's files lie."""

    source: LoopbackPacs
    destination: LoopbackPacs
    studies: tuple[Study, ...]
    folder: Path

    def task_set(self, **given: object) -> Manifest:
        return task_set_manifest(studies=[study.study_instance_uid for study in self.studies], **given)  # type: ignore[arg-type]  # profile and key only

    def slow(self, seconds: float) -> None:
        self.destination.faults = replace(self.destination.faults, delay_per_instance=seconds)


@pytest.fixture(name="hospital")
def _hospital(tmp_path: Path) -> Iterator[Hospital]:
    studies = tuple(ct_study(PATIENT, instances=5, rows=16, label=label, report=True) for label in ("a", "b", "c"))
    with LoopbackPacs(tmp_path / "pacs") as source, LoopbackPacs(tmp_path / "research", "RESEARCH") as destination:
        for study in studies:
            source.load(study.write(tmp_path / "files" / study.label))
        yield Hospital(source, destination, studies, tmp_path)


@asynccontextmanager
async def started(
    hospital: Hospital, cluster: EmbeddedCluster, made: Manifest, *, attempt: int = 0, profiled: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    config = write_runner_config(
        hospital.folder / "config",
        source=server_spec(hospital.source.port),
        destination=server_spec(hospital.destination.port, "RESEARCH", verification={"settleSeconds": 0}),
        profile=PROFILE if profiled else None,
        key=KEY if profiled else None,
    )
    environment = runner_environment(made, config, hospital.folder / "spool", attempt=attempt)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "adit_jobrunner"),
        env={**os.environ, **environment, "ADIT_DATA": str(cluster.data)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110 - it happens in threads of the PACS
            await asyncio.sleep(0.01)


async def read(cluster: EmbeddedCluster, made: Manifest) -> TaskSet:
    return TaskSet.read(await cluster.get(Ref.of(made)))


async def test_a_whole_set_is_moved_verified_and_audited(hospital: Hospital, cluster: EmbeddedCluster) -> None:
    made = await cluster.create(hospital.task_set())
    async with started(hospital, cluster, made) as process:
        output, _ = await process.communicate()
    runner = (await read(cluster, made)).status.runner
    assert runner is not None
    assert (process.returncode, runner.states, runner.instances.verified) == (ExitCode.DONE, "SSS", 18)
    assert len(hospital.destination.instances()) == 18
    assert hospital.source.peak_associations == hospital.destination.peak_associations == 1
    lines = [json.loads(line) for line in output.splitlines()]
    assert [line["task"] for line in lines if line.get("audit")] == ["t0", "t1", "t2"]
    for forbidden in (PATIENT.patient_id, "Doe", *(study.study_instance_uid for study in hospital.studies)):
        assert f'"{forbidden}'.encode() not in output


async def test_a_profile_moves_pseudonyms_and_leaves_the_reports_behind(
    hospital: Hospital, cluster: EmbeddedCluster
) -> None:
    made = await cluster.create(hospital.task_set(profile=PROFILE, key=KEY))
    async with started(hospital, cluster, made, profiled=True) as process:
        await process.communicate()
    runner = (await read(cluster, made)).status.runner
    assert runner is not None
    counts = runner.instances
    assert (runner.states, counts.listed, counts.excluded, counts.verified) == ("SSS", 18, 3, 15)
    originals = {one.sop_instance_uid for one in hospital.source.instances()}
    assert not originals & {one.sop_instance_uid for one in hospital.destination.instances()}


async def test_killed_between_tasks_it_is_resumed_and_no_finished_task_is_repeated(
    hospital: Hospital, cluster: EmbeddedCluster
) -> None:
    made = await cluster.create(hospital.task_set())
    hospital.slow(0.03)
    async with started(hospital, cluster, made) as first:
        await until(lambda: hospital.destination.received >= 8)
        first.kill()
        await first.wait()
    dead = await read(cluster, made)
    assert dead.status.holder is not None
    assert dead.status.runner is not None
    assert (dead.status.runner.states, dead.status.runner.ended) == ("SPP", None)
    moved = hospital.destination.received
    async with started(hospital, cluster, made, attempt=1) as second:
        await second.communicate()
    runner = (await read(cluster, made)).status.runner
    assert runner is not None
    assert (second.returncode, runner.states, runner.instances.verified) == (ExitCode.DONE, "SSS", 18)
    # Two studies of six, and the instance that was on the wire when it was killed; t0 again would make 18.
    assert 12 <= hospital.destination.received - moved <= 13
    assert [line.id for line in decode(runner.exceptions).tasks] == ["t0", "t1", "t2"]


async def test_sigterm_ends_after_the_instance_in_hand_and_says_stopped(
    hospital: Hospital, cluster: EmbeddedCluster
) -> None:
    made = await cluster.create(hospital.task_set())
    hospital.slow(0.05)
    async with started(hospital, cluster, made) as process:
        await until(lambda: hospital.destination.received >= 8)
        process.send_signal(signal.SIGTERM)
        await process.communicate()
    status = (await read(cluster, made)).status
    assert process.returncode == ExitCode.AGAIN
    assert status.holder is None
    assert status.runner is not None
    assert status.runner.ended is not None
    assert (status.runner.ended.reason, status.runner.states) == ("Stopped", "SPP")
    assert len(hospital.destination.instances()) < 12
    assert not list((hospital.folder / "spool").iterdir())


async def test_a_destination_that_is_down_spends_no_attempt_and_is_named(
    hospital: Hospital, cluster: EmbeddedCluster
) -> None:
    made = await cluster.create(hospital.task_set())
    port = hospital.destination.port
    async with started(hospital, cluster, made) as process:
        hospital.destination.stop()
        await process.communicate()
    runner = (await read(cluster, made)).status.runner
    assert runner is not None
    assert runner.ended is not None
    assert (runner.ended.reason, runner.states, runner.retries) == ("PeerUnavailable", "PPP", ())
    assert str(port) in runner.ended.message
    assert runner.ended.peer == "research"


async def test_without_its_variables_it_names_them_and_gives_up(cluster: EmbeddedCluster) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "adit_jobrunner"),
        env={"PATH": os.environ["PATH"], "ADIT_DATA": str(cluster.data)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == ExitCode.GIVE_UP
    assert "ADIT_TASKSET_NAME" in json.loads(output)["variables"]
