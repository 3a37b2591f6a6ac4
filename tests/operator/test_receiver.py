import base64
from typing import Any

import pytest

from adit.cluster.cluster import Manifest, ObjectNotFound
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.receiver import ensure_receiver_key
from adit_operator.settings import OperatorSettings
from adit_operator.testing.desk import Desk

KEY = Ref("Secret", "adit", "adit-receiver-key")
RECEIVER = OperatorSettings(receiver_host="adit-receiver", writes_per_second=1000, status_seconds=0)


def zeros(count: int) -> bytes:
    return bytes(count)


async def secret_volumes(desk: Desk, **dimse: Any) -> dict[str, str]:
    """What the runner of a job mounts whose source has these capabilities."""
    await desk.cluster.patch(Ref("DicomServer", "default", "pacs"), {"spec": {"dimse": dimse}})
    desk.world = type(desk.world)(desk.cluster, desk.lease, desk.world.cache, RECEIVER, desk.clock)
    await desk.cluster.create(transfer_job_manifest("night"))
    await desk.settle()
    (job,) = await desk.runner_jobs()
    volumes = job["spec"]["template"]["spec"]["volumes"]
    return {one["name"]: one["secret"]["secretName"] for one in volumes if "secret" in one}


async def settings_of(desk: Desk, volumes: dict[str, str]) -> str:
    secret = await desk.cluster.get(Ref("Secret", "adit", volumes["settings"]))
    return base64.b64decode(secret["data"]["settings.json"]).decode()


async def test_the_key_is_32_bytes_of_its_own_and_serves_no_other_purpose(cluster: EmbeddedCluster) -> None:
    await ensure_receiver_key(cluster, RECEIVER)
    secret = await cluster.get(KEY)
    assert len(base64.b64decode(secret["data"]["key"])) == 32
    assert "adit.dev/purpose" not in secret["metadata"]["labels"]


async def test_a_key_that_is_there_is_never_made_anew(cluster: EmbeddedCluster) -> None:
    await ensure_receiver_key(cluster, RECEIVER)
    before = await cluster.get(KEY)
    await ensure_receiver_key(cluster, RECEIVER, zeros)
    assert await cluster.get(KEY) == before


async def test_of_two_that_make_it_at_once_one_key_stays(cluster: EmbeddedCluster) -> None:
    class Late:
        """Another operator makes the key between our look and our write."""

        def __getattr__(self, name: str) -> Any:
            return getattr(cluster, name)

        async def create(self, manifest: Manifest) -> Manifest:
            await ensure_receiver_key(cluster, RECEIVER, zeros)
            return await cluster.create(manifest)

    await ensure_receiver_key(Late(), RECEIVER)
    assert base64.b64decode((await cluster.get(KEY))["data"]["key"]) == bytes(32)


async def test_without_a_receiver_there_is_no_key(cluster: EmbeddedCluster) -> None:
    await ensure_receiver_key(cluster, OperatorSettings())
    with pytest.raises(ObjectNotFound):
        await cluster.get(KEY)


async def test_a_runner_whose_source_moves_gets_the_receiver_and_its_key(desk: Desk) -> None:
    volumes = await secret_volumes(desk, move=True, get=False)
    assert volumes["receiver"] == "adit-receiver-key"
    assert '"host": "adit-receiver"' in await settings_of(desk, volumes)
    assert await desk.cluster.get(KEY)


async def test_a_runner_whose_source_does_not_move_gets_neither(desk: Desk) -> None:
    volumes = await secret_volumes(desk, move=False)
    assert "receiver" not in volumes
    assert "receiver" not in await settings_of(desk, volumes)


async def test_without_a_receiver_no_runner_starts_for_a_source_that_only_moves(desk: Desk) -> None:
    source = server_manifest("mover")
    source["spec"]["dimse"] |= {"move": True, "get": False}
    await desk.cluster.create(source)
    job = transfer_job_manifest("night")
    job["spec"]["source"] = {"name": "mover"}
    await desk.cluster.create(job)
    await desk.settle()
    assert await desk.runner_jobs() == []
    status = (await desk.job()).status
    assert [(one.type, one.reason) for one in status.conditions if one.status == "True"] == [
        ("Stalled", "ReceiverMissing")
    ]
