"""Objects: made, read, listed, guarded, deleted."""

import base64
from datetime import datetime

import pytest

from adit.cluster.cluster import Cluster, Conflict, Invalid, ObjectNotFound
from adit.testing.cluster import config_map_manifest, secret_manifest, server_manifest, transfer_job_manifest
from adit.testing.cluster_contract import Backend


async def test_a_new_object_gets_what_the_server_gives(backend: Backend, cluster: Cluster) -> None:
    made = await cluster.create(backend.place(server_manifest("pacs")))
    metadata = made["metadata"]
    assert len(metadata["uid"]) == 36
    assert metadata["generation"] == 1
    assert metadata["resourceVersion"]
    assert metadata["creationTimestamp"].endswith("Z")
    datetime.fromisoformat(metadata["creationTimestamp"])


async def test_what_was_created_can_be_read(backend: Backend, cluster: Cluster) -> None:
    made = await cluster.create(backend.place(config_map_manifest("settings", {"a": "1"})))
    read = await cluster.get(backend.ref("ConfigMap", "settings"))
    assert read["data"] == {"a": "1"}
    assert read["metadata"]["uid"] == made["metadata"]["uid"]


async def test_a_missing_object_is_not_found(backend: Backend, cluster: Cluster) -> None:
    with pytest.raises(ObjectNotFound, match="nowhere"):
        await cluster.get(backend.ref("ConfigMap", "nowhere"))


async def test_a_taken_name_is_a_conflict(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(config_map_manifest()))
    with pytest.raises(Conflict):
        await cluster.create(backend.place(config_map_manifest()))


async def test_the_uid_of_a_manifest_does_not_choose_the_objects(backend: Backend, cluster: Cluster) -> None:
    manifest = backend.place(config_map_manifest())
    manifest["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    assert (await cluster.create(manifest))["metadata"]["uid"] != manifest["metadata"]["uid"]


async def test_an_object_made_again_is_another_one(backend: Backend, cluster: Cluster) -> None:
    first = await cluster.create(backend.place(config_map_manifest()))
    await cluster.delete(backend.ref("ConfigMap", "settings"))
    second = await cluster.create(backend.place(config_map_manifest()))
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_a_list_holds_one_kind_of_one_namespace(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(config_map_manifest("a")))
    await cluster.create(backend.place(config_map_manifest("b")))
    await cluster.create(backend.place(secret_manifest("c")))
    listing = await cluster.list("ConfigMap", namespace=backend.namespace)
    # a real namespace holds its cluster's certificates as well
    assert {"a", "b"} == {item["metadata"]["name"] for item in listing.items} - {"kube-root-ca.crt"}
    assert all(item["kind"] == "ConfigMap" and item["apiVersion"] == "v1" for item in listing.items)


async def test_a_list_of_all_namespaces_holds_this_one_too(backend: Backend, cluster: Cluster) -> None:
    made = await cluster.create(backend.place(config_map_manifest("a")))
    uids = {item["metadata"]["uid"] for item in (await cluster.list("ConfigMap")).items}
    assert made["metadata"]["uid"] in uids


async def test_labels_select_by_name_and_value(backend: Backend, cluster: Cluster) -> None:
    for name, labels in {
        "a": {"adit.dev/x": "1", "y": "2"},
        "b": {"adit.dev/x": "1"},
        "c": {"adit.dev/x": "2"},
    }.items():
        await cluster.create(backend.place(config_map_manifest(name, labels=labels)))

    async def selected(labels: dict[str, str]) -> list[str]:
        listing = await cluster.list("ConfigMap", namespace=backend.namespace, labels=labels)
        return [item["metadata"]["name"] for item in listing.items]

    assert await selected({"adit.dev/x": "1"}) == ["a", "b"]
    assert await selected({"adit.dev/x": "1", "y": "2"}) == ["a"]
    assert await selected({"adit.dev/x": "3"}) == []


async def test_deleting_what_is_not_there_is_no_error(backend: Backend, cluster: Cluster) -> None:
    await cluster.delete(backend.ref("ConfigMap", "nowhere"))


async def test_a_deletion_with_another_uid_spares_the_object(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(config_map_manifest()))
    with pytest.raises(Conflict):
        await cluster.delete(backend.ref("ConfigMap", "settings"), uid="11111111-1111-1111-1111-111111111111")
    assert await backend.exists(backend.ref("ConfigMap", "settings"))


async def test_a_deletion_of_an_earlier_version_spares_the_object(backend: Backend, cluster: Cluster) -> None:
    seen = await cluster.create(backend.place(config_map_manifest()))
    await cluster.patch(backend.ref("ConfigMap", "settings"), {"metadata": {"labels": {"changed": "since"}}})
    with pytest.raises(Conflict):
        await cluster.delete(backend.ref("ConfigMap", "settings"), resource_version=seen["metadata"]["resourceVersion"])
    assert await backend.exists(backend.ref("ConfigMap", "settings"))


async def test_a_deletion_with_the_right_uid_works(backend: Backend, cluster: Cluster) -> None:
    made = await cluster.create(backend.place(config_map_manifest()))
    await cluster.delete(backend.ref("ConfigMap", "settings"), uid=made["metadata"]["uid"])
    assert await backend.gone(backend.ref("ConfigMap", "settings"))


async def test_plain_text_of_a_secret_is_kept_as_base64(backend: Backend, cluster: Cluster) -> None:
    made = await cluster.create(backend.place(secret_manifest("token", {"password": "grün"})))
    assert made["data"] == {"password": base64.b64encode("grün".encode()).decode()}
    assert "stringData" not in await cluster.get(backend.ref("Secret", "token"))


async def test_data_of_an_immutable_secret_cannot_change(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(secret_manifest("token", {"a": "1"}, immutable=True)))
    with pytest.raises(Invalid, match="immutable"):
        await cluster.patch(backend.ref("Secret", "token"), {"stringData": {"a": "2"}})


async def test_labels_of_an_immutable_secret_can_change(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(secret_manifest("token", {"a": "1"}, immutable=True)))
    changed = await cluster.patch(backend.ref("Secret", "token"), {"metadata": {"labels": {"x": "y"}}})
    assert changed["metadata"]["labels"] == {"x": "y"}


async def test_a_value_that_breaks_the_schema_is_refused_by_its_path(backend: Backend, cluster: Cluster) -> None:
    manifest = backend.place(server_manifest())
    manifest["spec"]["dimse"]["port"] = 70000
    with pytest.raises(Invalid, match=r"spec\.dimse\.port"):
        await cluster.create(manifest)
    assert await backend.gone(backend.ref("DicomServer", "pacs"))


async def test_a_name_that_is_no_name_is_refused(backend: Backend, cluster: Cluster) -> None:
    with pytest.raises(Invalid, match=r"metadata\.name"):
        await cluster.create(backend.place(config_map_manifest("Not_A_Name")))


async def test_a_label_that_is_no_label_is_refused(backend: Backend, cluster: Cluster) -> None:
    with pytest.raises(Invalid, match=r"metadata\.labels"):
        await cluster.create(backend.place(config_map_manifest(labels={"x": "two words"})))


async def test_the_tasks_of_a_transfer_job_cannot_change(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(transfer_job_manifest(studies=["1.2.3"])))
    with pytest.raises(Invalid, match="immutable"):
        await cluster.apply(backend.place(transfer_job_manifest(studies=["1.2.4"])), field_manager="person")


async def test_a_verb_of_a_transfer_job_can_change(backend: Backend, cluster: Cluster) -> None:
    await cluster.create(backend.place(transfer_job_manifest()))
    changed = await cluster.patch(backend.ref("TransferJob", "night"), {"spec": {"suspend": True}})
    assert changed["spec"]["suspend"] is True
    assert changed["metadata"]["generation"] == 2
