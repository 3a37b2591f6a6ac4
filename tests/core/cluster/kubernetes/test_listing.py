"""Lists: page after page, smaller pages for large objects, and begun anew where the pages ran out of time."""

import json

import pytest

from adit.cluster.cluster import ClusterUnavailable, Expired, Manifest
from adit.cluster.kinds import CONFIG_MAP
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.connection import Call, Connection, TooLarge
from adit.cluster.kubernetes.listing import list_all
from tests.core.cluster.kubernetes.api_server import ApiServer, Scripted, answer, status

CALL = Call("GET", "/api/v1/configmaps", "ConfigMap")


def page(*names: str, version: str = "5", token: str = "", padding: int = 0) -> Scripted:
    body: Manifest = {
        "kind": "ConfigMapList",
        "metadata": {"resourceVersion": version, **({"continue": token} if token else {})},
        "items": [{"metadata": {"name": name}} for name in names],
    }
    return Scripted(body=json.dumps(body).encode() + b" " * padding)


async def test_pages_are_put_together(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(page("a", "b", token="next"), page("c"))
    listing = await cluster.list("ConfigMap", namespace="tenant", labels={"x": "1"})
    assert [item["metadata"]["name"] for item in listing.items] == ["a", "b", "c"]
    assert listing.resource_version == "5"
    first, second = server.asked
    assert first.path == "/api/v1/namespaces/tenant/configmaps"
    assert first.query == {"labelSelector": "x=1", "limit": "200"}
    assert second.query == {**first.query, "continue": "next"}


async def test_each_item_says_what_it_is(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(page("a"))
    item = (await cluster.list("ConfigMap")).items[0]
    assert (item["apiVersion"], item["kind"]) == ("v1", "ConfigMap")


async def test_a_list_without_items_is_empty(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer({"metadata": {"resourceVersion": "5"}, "items": None}))
    assert (await cluster.list("ConfigMap")).items == ()


async def test_a_page_too_large_is_asked_for_in_smaller_steps(server: ApiServer, connection: Connection) -> None:
    large = 33 * 1024 * 1024
    server.will(page("a", token="next"), page("b", padding=large), page("b", token="more"), page("c"))
    listing = await list_all(connection, CONFIG_MAP, CALL)
    assert [item["metadata"]["name"] for item in listing.items] == ["a", "b", "c"]
    assert [(asked.query["limit"], asked.query.get("continue")) for asked in server.asked] == [
        ("200", None),
        ("200", "next"),
        ("25", "next"),
        ("25", "more"),
    ]


async def test_one_object_too_large_for_a_page_is_an_error(server: ApiServer, connection: Connection) -> None:
    server.will(*[page("a", padding=33 * 1024 * 1024)] * 4)
    with pytest.raises(TooLarge):
        await list_all(connection, CONFIG_MAP, CALL)
    assert [asked.query["limit"] for asked in server.asked] == ["200", "25", "3", "1"]


async def test_a_list_whose_pages_ran_out_of_time_is_begun_anew(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(page("old", token="next"), answer(status(410), 410), page("new", version="9"))
    listing = await cluster.list("ConfigMap")
    assert [item["metadata"]["name"] for item in listing.items] == ["new"]
    assert listing.resource_version == "9"


async def test_a_list_is_begun_three_times_at_most(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(*[answer(status(410), 410)] * 3)
    with pytest.raises(Expired):
        await cluster.list("ConfigMap")


@pytest.mark.parametrize("body", [{}, {"items": {}, "metadata": {}}, {"items": []}])
async def test_what_is_no_list_is_no_answer(server: ApiServer, cluster: KubernetesCluster, body: Manifest) -> None:
    server.will(answer(body))
    with pytest.raises(ClusterUnavailable, match="no list"):
        await cluster.list("ConfigMap")
