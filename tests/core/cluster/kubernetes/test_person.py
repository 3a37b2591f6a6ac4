"""In whose name the cluster is asked."""

import pytest

from adit.cluster.cluster import Forbidden
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes.cluster import KubernetesCluster
from adit.cluster.kubernetes.person import Person, person
from tests.core.cluster.kubernetes.api_server import ApiServer, Scripted, answer, event

EMPTY = {"kind": "ConfigMapList", "metadata": {"resourceVersion": "1"}, "items": []}


def test_every_group_has_a_header_of_its_own() -> None:
    assert Person("anna", ("a", "b")).headers() == [
        ("Impersonate-User", "anna"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
    ]


@pytest.mark.parametrize("name", ["anna", "anna@example.org", "Änne Müller", "system:serviceaccount:a:b"])
def test_a_person_or_an_account_can_be_asked_for(name: str) -> None:
    assert person(name, ("research", "system:authenticated", "system:serviceaccounts:a")).name == name


@pytest.mark.parametrize(
    "name", ["", " anna", "anna\n", "an\r\nImpersonate-Group: b", "system:admin", "system:anonymous", "x" * 257]
)
def test_a_name_of_the_clusters_own_or_none_at_all_is_forbidden(name: str) -> None:
    with pytest.raises(Forbidden):
        person(name)


@pytest.mark.parametrize("group", ["system:masters", "", " a", "a\nb", "system:nodes", "x" * 257])
def test_no_group_can_become_one_of_the_clusters_own(group: str) -> None:
    with pytest.raises(Forbidden):
        person("anna", ("research", group))


def test_too_many_groups_are_forbidden() -> None:
    with pytest.raises(Forbidden, match="501"):
        person("anna", tuple(f"g{number}" for number in range(501)))


async def test_all_groups_reach_the_server(server: ApiServer, cluster: KubernetesCluster) -> None:
    server.will(answer(EMPTY))
    await cluster.acting_as("Änne", ("a", "b", "c")).list("ConfigMap")
    assert server.asked[0].header("Impersonate-User") == ["Änne"]
    assert server.asked[0].header("Impersonate-Group") == ["a", "b", "c"]


async def test_every_verb_is_asked_in_the_persons_name(server: ApiServer, cluster: KubernetesCluster) -> None:
    anna = cluster.acting_as("anna")
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
    ref = Ref("ConfigMap", "default", "settings")
    server.will(*[answer({})] * 6, answer(EMPTY), Scripted(chunks=(event("ADDED", "2"),)))
    await anna.get(ref)
    await anna.create(manifest)
    await anna.apply(manifest, field_manager="x")
    await anna.patch(ref, {})
    await anna.patch_status(ref, {})
    await anna.delete(ref)
    await anna.list("ConfigMap")
    async with anna.watch("ConfigMap", since="1") as events:
        await anext(events)
    assert [asked.header("Impersonate-User") for asked in server.asked] == [["anna"]] * 8
