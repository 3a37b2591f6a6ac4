from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.testing.cluster import profile_manifest, server_manifest, transfer_job_manifest
from adit_operator.cache import Cache
from adit_operator.watches import WATCHED, Watched, Watches

SERVERS = Watched("DicomServer")


def watches(cluster: EmbeddedCluster, cache: Cache, *namespaces: str) -> Watches:
    return Watches(cluster, cache, lambda _: None, namespaces, "runners")


def server_in(namespace: str) -> dict[str, object]:
    manifest = server_manifest("pacs")
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


async def test_reading_completes_what_admission_waits_for(cluster: EmbeddedCluster) -> None:
    feed = watches(cluster, Cache())
    for watched in WATCHED:
        await feed.read(watched)
    await feed.complete()


async def test_only_the_watched_namespaces_are_read(cluster: EmbeddedCluster) -> None:
    for namespace in ("a", "b", "c"):
        await cluster.create(server_in(namespace))
    cache = Cache()

    await watches(cluster, cache, "a", "b").read(SERVERS)

    assert {ref.namespace for ref in cache.servers} == {"a", "b"}


async def test_reading_again_forgets_what_is_gone_from_any_namespace(cluster: EmbeddedCluster) -> None:
    for namespace in ("a", "b"):
        await cluster.create(server_in(namespace))
    cache = Cache()
    feed = watches(cluster, cache, "a", "b")
    await feed.read(SERVERS)
    await cluster.delete(Ref("DicomServer", "a", "pacs"))

    await feed.read(SERVERS)

    assert set(cache.servers) == {Ref("DicomServer", "b", "pacs")}


async def test_an_event_from_a_namespace_that_is_not_watched_is_not_taken_in(cluster: EmbeddedCluster) -> None:
    cache = Cache()
    feed = watches(cluster, cache, "a")
    for namespace in ("a", "runners"):
        feed.take(await cluster.create(server_in(namespace)), deleted=False)
    assert set(cache.servers) == {Ref("DicomServer", "a", "pacs")}


async def test_a_profile_that_comes_or_goes_concerns_the_jobs_of_its_namespace_that_name_it(
    cluster: EmbeddedCluster,
) -> None:
    told: list[Ref] = []
    feed = Watches(cluster, Cache(), told.extend)
    for name, namespace, profile in (
        ("night", "default", "brain"),
        ("day", "default", "heart"),
        ("far", "lab", "brain"),
    ):
        job = transfer_job_manifest(name)
        spec = {**job["spec"], "pseudonymization": {"profile": profile}}
        made = await cluster.create({**job, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
        feed.take(made, deleted=False)
    told.clear()
    brain = await cluster.create(profile_manifest("brain"))
    feed.take(brain, deleted=False)
    assert told == [Ref("TransferJob", "default", "night")]
    feed.take(brain, deleted=True)
    assert told == [Ref("TransferJob", "default", "night")] * 2
