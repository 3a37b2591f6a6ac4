"""Jobs: one pod each, what it is given, and what the Job then says."""

import asyncio
import time
from functools import partial

import pytest

from adit.cluster.cluster import Cluster, Invalid, Manifest
from adit.testing.cluster import job_manifest, secret_manifest
from adit.testing.cluster_contract import PATIENCE_SECONDS, Backend, eventually

READY = "import time; print('ready', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True));"
    "print('ready', flush=True); time.sleep(600)"
)


def condition(job: Manifest, kind: str) -> Manifest | None:
    return next((found for found in job.get("status", {}).get("conditions", ()) if found["type"] == kind), None)


async def when(backend: Backend, kind: str, status: str = "True", name: str = "work") -> Manifest:
    """The Job once it has this condition."""

    async def look() -> Manifest | None:
        job = await backend.cluster.get(backend.ref("Job", name))
        found = condition(job, kind)
        return job if found is not None and found["status"] == status else None

    job = await eventually(look)
    assert job is not None
    return job


async def when_printed(backend: Backend, word: str, name: str = "work") -> None:
    async def look() -> bool:
        job = await backend.cluster.get(backend.ref("Job", name))
        return bool(job.get("status", {}).get("ready")) and word in await backend.pod_log(backend.ref("Job", name))

    await eventually(look)


async def when_counted(backend: Backend, **counts: int) -> Manifest:
    async def look() -> Manifest | None:
        job = await backend.cluster.get(backend.ref("Job", "work"))
        status = job.get("status", {})
        return job if all(status.get(name, 0) == count for name, count in counts.items()) else None

    job = await eventually(look)
    assert job is not None
    return job


async def test_a_program_that_ends_well_completes_its_job(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", "pass")))
    job = await when(backend, "Complete")
    status = job["status"]
    assert status["succeeded"] == 1
    assert not status.get("failed")
    assert not status.get("active")
    assert status["startTime"] <= status["completionTime"]


async def test_a_program_that_fails_fails_its_job_at_once(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", "raise SystemExit(3)")))
    job = await when(backend, "Failed")
    found = condition(job, "Failed")
    assert found is not None
    assert found["reason"] == "BackoffLimitExceeded"
    assert job["status"]["failed"] == 1
    assert not job["status"].get("active")
    assert condition(job, "Complete") is None


async def test_a_job_is_active_before_it_is_complete(backend: Backend, cluster: Cluster) -> None:
    since = (await cluster.list("Job", namespace=backend.namespace)).resource_version
    seen = []
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        cluster.watch("Job", since=since, namespace=backend.namespace) as events,
    ):
        await cluster.create(backend.place(job_manifest("work", "pass")))
        async for event in events:
            status = event.object.get("status", {})
            seen.append((status.get("active", 0), status.get("succeeded", 0)))
            if condition(event.object, "Complete"):
                break
    assert seen[0] == (0, 0)
    assert seen[-1] == (0, 1)
    assert (1, 0) in seen


async def test_a_program_gets_its_environment_and_files(backend: Backend, cluster: Cluster) -> None:
    program = (
        "import os, pathlib;"
        "print(os.environ['GREETING']);"
        "print(pathlib.Path(os.environ['CONFIG'], 'one', 'word').read_text());"
        "pathlib.Path(os.environ['SPOOL'], 'x').write_text('kept');"
        "print('PATH' in os.environ, bool(os.environ['NAME']), bool(os.environ['UID']))"
    )
    await cluster.create(backend.place(secret_manifest("words", {"word": "grün"})))
    job = job_manifest(
        "work", program, env={"GREETING": "hello", "CONFIG": "/etc/adit/config", "SPOOL": "/var/spool/adit"}
    )
    pod = job["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "words", "secret": {"secretName": "words"}}, {"name": "spool", "emptyDir": {}}]
    pod["containers"][0]["volumeMounts"] = [
        {"name": "words", "mountPath": "/etc/adit/config/one"},
        {"name": "spool", "mountPath": "/var/spool/adit"},
    ]
    pod["containers"][0]["env"] += [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
    ]
    await cluster.create(backend.place(job))
    await when(backend, "Complete")
    assert (await backend.pod_log(backend.ref("Job", "work"))).split() == ["hello", "grün", "True", "True", "True"]


async def test_a_pod_waits_for_its_secret(backend: Backend, cluster: Cluster) -> None:
    job = job_manifest("work", "pass")
    pod = job["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "words", "secret": {"secretName": "words"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "words", "mountPath": "/words"}]
    await cluster.create(backend.place(job))
    assert not (await when_counted(backend, active=1))["status"].get("ready")
    await cluster.create(backend.place(secret_manifest("words")))
    await when(backend, "Complete")


async def test_a_suspended_job_starts_no_pod_until_it_is_resumed(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", "pass", suspend=True)))
    job = await when(backend, "Suspended")
    assert not job["status"].get("active")
    assert not job["status"].get("succeeded")
    await cluster.patch(backend.ref("Job", "work"), {"spec": {"suspend": False}})
    await when(backend, "Complete")


async def test_suspending_a_job_ends_its_pod(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", READY)))
    await when_printed(backend, "ready")
    await cluster.patch(backend.ref("Job", "work"), {"spec": {"suspend": True}})
    await when(backend, "Suspended")
    await when_counted(backend, active=0, ready=0, terminating=0)


async def test_a_pod_that_takes_its_time_to_end_is_terminating_not_active(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", STUBBORN, grace_seconds=1)))
    await when_printed(backend, "ready")
    await cluster.patch(backend.ref("Job", "work"), {"spec": {"suspend": True}})
    await when_counted(backend, active=0, terminating=1)
    await when_counted(backend, active=0, terminating=0)


async def test_a_deleted_job_goes_with_its_pod(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", READY)))
    await when_printed(backend, "ready")
    await cluster.delete(backend.ref("Job", "work"))
    await eventually(partial(backend.gone, backend.ref("Job", "work")))


async def test_a_deleted_job_stays_until_its_pod_has_ended(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", STUBBORN, grace_seconds=3)))
    await when_printed(backend, "ready")
    began = time.monotonic()
    await cluster.delete(backend.ref("Job", "work"))
    assert (await cluster.get(backend.ref("Job", "work")))["metadata"]["deletionTimestamp"]
    await eventually(partial(backend.gone, backend.ref("Job", "work")))
    assert time.monotonic() - began >= 2.5


async def test_the_name_of_a_deleted_job_can_be_used_again(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", READY)))
    await when_printed(backend, "ready")
    await cluster.delete(backend.ref("Job", "work"))
    await eventually(partial(backend.gone, backend.ref("Job", "work")))
    await cluster.create(backend.place(job_manifest("work", "pass")))
    await when(backend, "Complete")


async def test_a_finished_job_goes_after_its_time_to_live(backend: Backend, cluster: Cluster) -> None:
    job = job_manifest("work", "pass")
    job["spec"]["ttlSecondsAfterFinished"] = 0
    await cluster.create(backend.place(job))
    await eventually(partial(backend.gone, backend.ref("Job", "work")))


async def test_the_pod_of_a_job_cannot_be_changed(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(job_manifest("work", "pass")))
    with pytest.raises(Invalid, match=r"spec\.template"):
        await cluster.apply(backend.place(job_manifest("work", "print(1)")), field_manager="one")


async def test_jobs_run_beside_each_other(backend: Backend, cluster: Cluster) -> None:
    for name in ("one", "two", "three"):
        await cluster.create(backend.place(job_manifest(name, READY)))
    for name in ("one", "two", "three"):
        await when_printed(backend, "ready", name)
