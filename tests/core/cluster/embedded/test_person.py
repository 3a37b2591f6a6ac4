"""acting_as: a job carries the name of whoever asked for it, and nobody can forge or change that."""

import pytest

from adit.cluster.cluster import Forbidden, Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.testing.cluster import server_manifest, transfer_job_manifest

REQUESTED_BY = "adit.dev/requested-by"
NIGHT = Ref("TransferJob", "default", "night")


def requested_by(name: str) -> Manifest:
    manifest = transfer_job_manifest("night")
    manifest["metadata"]["annotations"] = {REQUESTED_BY: name}
    return manifest


async def test_a_created_job_is_stamped(cluster: EmbeddedCluster) -> None:
    job = await cluster.acting_as("anna").create(transfer_job_manifest())
    assert job["metadata"]["annotations"] == {REQUESTED_BY: "anna"}


async def test_an_applied_job_is_stamped_and_stays_so(cluster: EmbeddedCluster) -> None:
    anna = cluster.acting_as("anna")
    first = await anna.apply(transfer_job_manifest(), field_manager="cli")
    again = await anna.apply(transfer_job_manifest(), field_manager="cli")
    assert first["metadata"]["annotations"] == {REQUESTED_BY: "anna"}
    assert again == first


async def test_another_persons_name_is_refused(cluster: EmbeddedCluster) -> None:
    with pytest.raises(Forbidden, match="leave the annotation out"):
        await cluster.acting_as("anna").create(requested_by("berta"))


async def test_ones_own_name_is_accepted(cluster: EmbeddedCluster) -> None:
    job = await cluster.acting_as("anna").create(requested_by("anna"))
    assert job["metadata"]["annotations"] == {REQUESTED_BY: "anna"}


@pytest.mark.parametrize("value", ["berta", None])
async def test_nobody_can_change_it_later(cluster: EmbeddedCluster, value: str | None) -> None:
    await cluster.acting_as("anna").create(transfer_job_manifest())
    patch = {"metadata": {"annotations": {REQUESTED_BY: value}}}
    for someone in (cluster, cluster.acting_as("anna"), cluster.acting_as("berta")):
        with pytest.raises(Forbidden, match="never change"):
            await someone.patch(NIGHT, patch)


async def test_another_person_may_work_on_the_job(cluster: EmbeddedCluster) -> None:
    await cluster.acting_as("anna").create(transfer_job_manifest())
    changed = await cluster.acting_as("berta").patch(NIGHT, {"spec": {"suspend": True}})
    assert changed["metadata"]["annotations"] == {REQUESTED_BY: "anna"}


async def test_other_kinds_are_not_stamped(cluster: EmbeddedCluster) -> None:
    server = await cluster.acting_as("anna").create(server_manifest())
    assert "annotations" not in server["metadata"]


async def test_without_a_person_a_parents_stamp_is_inherited(cluster: EmbeddedCluster) -> None:
    job = await cluster.create(requested_by("anna"))
    assert job["metadata"]["annotations"] == {REQUESTED_BY: "anna"}
