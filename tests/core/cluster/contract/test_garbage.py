"""What an object owned goes after it."""

from functools import partial

from adit.cluster.cluster import Cluster, Manifest
from adit.testing.cluster import config_map_manifest, owner_reference
from adit.testing.cluster_contract import Backend, eventually


async def make(backend: Backend, name: str, *owners: Manifest) -> Manifest:
    manifest = config_map_manifest(name)
    if owners:
        references = [owner_reference(owner) for owner in owners]
        # Kubernetes allows one controller
        manifest["metadata"]["ownerReferences"] = [{**reference, "controller": False} for reference in references]
    return await backend.cluster.create(backend.place(manifest))


async def test_dependents_follow_their_owner(backend: Backend, cluster: Cluster) -> None:
    owner = await make(backend, "owner")
    child = await make(backend, "child", owner)
    await make(backend, "grandchild", child)
    await cluster.delete(backend.ref("ConfigMap", "owner"))
    for name in ("child", "grandchild"):
        await eventually(partial(backend.gone, backend.ref("ConfigMap", name)))


async def test_a_dependent_stays_while_one_owner_lives(backend: Backend, cluster: Cluster) -> None:
    one, two = await make(backend, "one"), await make(backend, "two")
    await make(backend, "shared", one, two)
    canary = await make(backend, "canary", one)
    await cluster.delete(backend.ref("ConfigMap", "one"))
    await eventually(partial(backend.gone, backend.ref("ConfigMap", canary["metadata"]["name"])))
    assert await backend.exists(backend.ref("ConfigMap", "shared"))
    await cluster.delete(backend.ref("ConfigMap", "two"))
    await eventually(partial(backend.gone, backend.ref("ConfigMap", "shared")))


async def test_an_object_made_after_its_owner_is_gone_goes_too(backend: Backend, cluster: Cluster) -> None:
    owner = await make(backend, "owner")
    await cluster.delete(backend.ref("ConfigMap", "owner"))
    await make(backend, "late", owner)
    await eventually(partial(backend.gone, backend.ref("ConfigMap", "late")))


async def test_a_new_owner_of_the_same_name_owns_nothing_of_the_old(backend: Backend, cluster: Cluster) -> None:
    old = await make(backend, "owner")
    await cluster.delete(backend.ref("ConfigMap", "owner"))
    await make(backend, "owner")
    await make(backend, "late", old)
    await eventually(partial(backend.gone, backend.ref("ConfigMap", "late")))
    assert await backend.exists(backend.ref("ConfigMap", "owner"))
