"""Server-side apply: each manager brings its own fields, and takes away only those."""

import pytest

from adit.cluster.cluster import Cluster, Conflict, Manifest
from adit.testing.cluster import config_map_manifest, secret_manifest, server_manifest
from adit.testing.cluster_contract import Backend


@pytest.fixture
def settings(backend: Backend) -> Manifest:
    return backend.place(config_map_manifest("settings", {"a": "1", "b": "2"}))


async def test_a_first_apply_creates(cluster: Cluster, settings: Manifest) -> None:
    made = await cluster.apply(settings, field_manager="one")
    assert made["metadata"]["uid"]
    assert made["metadata"]["resourceVersion"]
    assert made["data"] == {"a": "1", "b": "2"}


async def test_the_same_apply_again_changes_nothing(cluster: Cluster, settings: Manifest) -> None:
    first = await cluster.apply(settings, field_manager="one")
    again = await cluster.apply(settings, field_manager="one")
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_a_field_left_out_is_removed(cluster: Cluster, settings: Manifest) -> None:
    await cluster.apply(settings, field_manager="one")
    changed = await cluster.apply({**settings, "data": {"a": "1"}}, field_manager="one")
    assert changed["data"] == {"a": "1"}


async def test_a_label_left_out_is_removed(backend: Backend, cluster: Cluster) -> None:
    await cluster.apply(backend.place(config_map_manifest(labels={"x": "1", "y": "2"})), field_manager="one")
    changed = await cluster.apply(backend.place(config_map_manifest(labels={"x": "1"})), field_manager="one")
    assert changed["metadata"]["labels"] == {"x": "1"}


async def test_fields_of_another_manager_survive(cluster: Cluster, settings: Manifest) -> None:
    await cluster.apply(settings, field_manager="one")
    await cluster.apply({**settings, "data": {"c": "3"}}, field_manager="two")
    changed = await cluster.apply({**settings, "data": {"a": "9"}}, field_manager="one")
    assert changed["data"] == {"a": "9", "c": "3"}


async def test_a_field_that_two_managers_apply_stays_until_both_leave_it_out(
    cluster: Cluster, settings: Manifest
) -> None:
    both = {**settings, "data": {"a": "1", "b": "2"}}
    await cluster.apply(both, field_manager="one")
    await cluster.apply(both, field_manager="two")
    after_one = await cluster.apply({**settings, "data": {"a": "1"}}, field_manager="one")
    assert after_one["data"] == {"a": "1", "b": "2"}
    after_two = await cluster.apply({**settings, "data": {"a": "1"}}, field_manager="two")
    assert after_two["data"] == {"a": "1"}


async def test_a_patched_field_is_no_longer_the_appliers(
    backend: Backend, cluster: Cluster, settings: Manifest
) -> None:
    await cluster.apply(settings, field_manager="one")
    await cluster.patch(backend.ref("ConfigMap", "settings"), {"data": {"b": "patched"}})
    changed = await cluster.apply({**settings, "data": {"a": "1"}}, field_manager="one")
    assert changed["data"] == {"a": "1", "b": "patched"}


async def test_fields_of_the_creator_survive_an_apply(cluster: Cluster, settings: Manifest) -> None:
    await cluster.create(settings)
    changed = await cluster.apply({**settings, "data": {"c": "3"}}, field_manager="one")
    assert changed["data"] == {"a": "1", "b": "2", "c": "3"}


async def test_force_takes_a_field_over(cluster: Cluster, settings: Manifest) -> None:
    await cluster.apply(settings, field_manager="one")
    await cluster.apply({**settings, "data": {"a": "2"}}, field_manager="two")
    changed = await cluster.apply({**settings, "data": {"b": "2"}}, field_manager="one")
    assert changed["data"] == {"a": "2", "b": "2"}


async def test_a_field_taken_over_is_no_longer_its_former_owners(cluster: Cluster, settings: Manifest) -> None:
    await cluster.apply(settings, field_manager="one")
    await cluster.apply({**settings, "data": {"a": "2"}}, field_manager="two")
    changed = await cluster.apply({**settings, "data": {"c": "3"}}, field_manager="two")
    assert changed["data"] == {"b": "2", "c": "3"}


async def test_without_force_anothers_field_is_a_conflict(cluster: Cluster, settings: Manifest) -> None:
    await cluster.apply(settings, field_manager="one")
    with pytest.raises(Conflict, match="one"):
        await cluster.apply({**settings, "data": {"a": "2"}}, field_manager="two", force=False)


async def test_an_apply_never_touches_status(backend: Backend, cluster: Cluster) -> None:
    server = backend.place(server_manifest())
    await cluster.apply(server, field_manager="one")
    await cluster.patch_status(backend.ref("DicomServer", "pacs"), {"allocated": 3})
    changed = await cluster.apply({**server, "status": {"allocated": 9}}, field_manager="one")
    assert changed["status"]["allocated"] == 3


async def test_a_changed_spec_is_a_new_generation(backend: Backend, cluster: Cluster) -> None:
    await cluster.apply(backend.place(server_manifest(port=104)), field_manager="one")
    changed = await cluster.apply(backend.place(server_manifest(port=105)), field_manager="one")
    assert changed["metadata"]["generation"] == 2


async def test_a_changed_label_is_no_new_generation(backend: Backend, cluster: Cluster) -> None:
    await cluster.apply(backend.place(server_manifest()), field_manager="one")
    changed = await cluster.apply(backend.place(server_manifest(labels={"x": "y"})), field_manager="one")
    assert changed["metadata"]["generation"] == 1


async def test_an_apply_for_another_uid_is_a_conflict(cluster: Cluster, settings: Manifest) -> None:
    await cluster.apply(settings, field_manager="one")
    settings["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    with pytest.raises(Conflict):
        await cluster.apply(settings, field_manager="one")


async def test_an_apply_with_a_uid_never_creates(cluster: Cluster, settings: Manifest) -> None:
    settings["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    with pytest.raises(Conflict):
        await cluster.apply(settings, field_manager="one")


async def test_an_apply_with_the_objects_uid_works(cluster: Cluster, settings: Manifest) -> None:
    made = await cluster.apply(settings, field_manager="one")
    settings["metadata"]["uid"] = made["metadata"]["uid"]
    changed = await cluster.apply({**settings, "data": {"a": "9"}}, field_manager="one")
    assert changed["data"] == {"a": "9"}


async def test_plain_text_of_an_applied_secret_can_be_replaced(backend: Backend, cluster: Cluster) -> None:
    await cluster.apply(backend.place(secret_manifest("token", {"a": "1"})), field_manager="one")
    changed = await cluster.apply(backend.place(secret_manifest("token", {"a": "2"})), field_manager="one")
    assert changed["data"] == {"a": "Mg=="}
