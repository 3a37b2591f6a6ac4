"""Merge patches of object and status, and their guard."""

import pytest

from adit.cluster.cluster import Cluster, Conflict, Invalid, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.testing.cluster import config_map_manifest, server_manifest
from adit.testing.cluster_contract import Backend


@pytest.fixture
async def server(backend: Backend, cluster: Cluster) -> Manifest:
    return await cluster.create(backend.place(server_manifest("pacs", labels={"x": "1"})))


@pytest.fixture
def pacs(backend: Backend, server: Manifest) -> Ref:
    assert server["metadata"]["name"] == "pacs"
    return backend.ref("DicomServer", "pacs")


async def test_a_patch_changes_what_it_names(cluster: Cluster, pacs: Ref) -> None:
    changed = await cluster.patch(pacs, {"spec": {"paused": True}})
    assert changed["spec"]["paused"] is True
    assert changed["spec"]["dimse"]["port"] == 11112
    assert changed["metadata"]["generation"] == 2


async def test_null_removes_a_field(cluster: Cluster, pacs: Ref) -> None:
    changed = await cluster.patch(pacs, {"metadata": {"labels": {"x": None}}})
    assert "x" not in changed["metadata"].get("labels", {})


async def test_a_patch_without_effect_changes_nothing(cluster: Cluster, pacs: Ref, server: Manifest) -> None:
    same = await cluster.patch(pacs, {"metadata": {"labels": {"x": "1"}}})
    assert same["metadata"]["resourceVersion"] == server["metadata"]["resourceVersion"]


async def test_a_patch_never_touches_status(cluster: Cluster, pacs: Ref) -> None:
    await cluster.patch(pacs, {"status": {"allocated": 3}})
    assert "allocated" not in (await cluster.get(pacs)).get("status", {})


async def test_a_patch_of_status_touches_nothing_else(cluster: Cluster, pacs: Ref) -> None:
    changed = await cluster.patch_status(pacs, {"allocated": 3})
    assert changed["status"]["allocated"] == 3
    assert changed["spec"]["aeTitle"] == "PACS"
    assert changed["metadata"]["generation"] == 1


async def test_patches_of_status_add_up(cluster: Cluster, pacs: Ref) -> None:
    await cluster.patch_status(pacs, {"allocated": 3})
    await cluster.patch_status(pacs, {"observedGeneration": 1})
    changed = await cluster.patch_status(pacs, {"allocated": None})
    # a definition may have a default for what is gone
    assert not changed["status"].get("allocated")
    assert changed["status"]["observedGeneration"] == 1


async def test_a_status_given_on_creation_is_dropped(backend: Backend, cluster: Cluster) -> None:
    manifest = backend.place(server_manifest())
    made = await cluster.create({**manifest, "status": {"allocated": 3}})
    assert "allocated" not in made.get("status", {})


async def test_a_status_that_breaks_the_schema_is_refused(cluster: Cluster, pacs: Ref) -> None:
    with pytest.raises(Invalid, match=r"status\.allocated"):
        await cluster.patch_status(pacs, {"allocated": -1})


async def test_a_patch_of_the_version_last_seen_works(cluster: Cluster, pacs: Ref, server: Manifest) -> None:
    changed = await cluster.patch(
        pacs, {"spec": {"paused": True}}, resource_version=server["metadata"]["resourceVersion"]
    )
    assert changed["metadata"]["resourceVersion"] != server["metadata"]["resourceVersion"]


async def test_a_patch_of_an_older_version_is_a_conflict(cluster: Cluster, pacs: Ref, server: Manifest) -> None:
    await cluster.patch(pacs, {"spec": {"paused": True}})
    with pytest.raises(Conflict):
        await cluster.patch(pacs, {"spec": {"paused": False}}, resource_version=server["metadata"]["resourceVersion"])


async def test_a_status_of_an_older_version_is_a_conflict(cluster: Cluster, pacs: Ref, server: Manifest) -> None:
    await cluster.patch_status(pacs, {"allocated": 1})
    with pytest.raises(Conflict):
        await cluster.patch_status(pacs, {"allocated": 2}, resource_version=server["metadata"]["resourceVersion"])


async def test_patching_what_is_not_there_is_not_found(backend: Backend, cluster: Cluster) -> None:
    nowhere = backend.ref("DicomServer", "nowhere")
    with pytest.raises(ObjectNotFound):
        await cluster.patch(nowhere, {"spec": {"paused": True}})
    with pytest.raises(ObjectNotFound):
        await cluster.patch_status(nowhere, {"allocated": 1})


async def test_a_kind_without_status_has_none_to_patch(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(config_map_manifest()))
    with pytest.raises(ObjectNotFound):
        await cluster.patch_status(backend.ref("ConfigMap", "settings"), {"a": 1})


async def test_a_patch_cannot_break_the_schema(cluster: Cluster, pacs: Ref) -> None:
    with pytest.raises(Invalid, match=r"spec\.dimse\.port"):
        await cluster.patch(pacs, {"spec": {"dimse": {"port": 0}}})
