"""Start: make the Job of a set's next attempt, and before it the Secrets that its runner mounts."""

from adit.api import labels
from adit.cluster.cluster import ClusterUnavailable, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import AditError, PermanentError
from adit_operator.blocked import in_vain
from adit_operator.cache import Cache
from adit_operator.census import still_startable
from adit_operator.gather import World
from adit_operator.give import given
from adit_operator.key import key_seen
from adit_operator.made import made_or_there
from adit_operator.manifests import Attempt, runner_job
from adit_operator.observed import KeySeen, SeenFolder, SeenJob, SeenSet, SeenTransfer
from adit_operator.profiles import profile_named
from adit_operator.project import seen_job
from adit_operator.receiver import ensure_receiver_key
from adit_operator.render import Given, mounts_of, peers_hash, rendered
from adit_operator.slots import Allocation, endpoints_between


class NameTaken(PermanentError):
    """Somebody else's Job has the name of a runner's."""

    default_reason = "NameTaken"


async def start(world: World, transfer: SeenTransfer, seen: SeenSet, allocation: Allocation) -> bool:
    """Make the Job of the set's next attempt, after the Secrets that it mounts. Raises NameTaken.

    False where it must not start by now; `allocation` is what was decided on.
    """
    gift = _gift(world, transfer)
    if gift is None or not still_startable(world.cache, transfer, seen, allocation):
        return False  # reconcile sees the same and tells the person
    namespace, settings = world.settings.runner_namespace, world.settings
    secrets = rendered(gift, namespace)
    peers, config = peers_hash(gift), mounts_of(gift, secrets)
    # its end is judged, but reconcile may not have told the job yet that it is stalled
    if in_vain(seen, _last_job(world.cache, seen), peers=peers, image=settings.runner_image, config=config):
        return False
    number = 1 + max(
        seen.attempt,
        seen.judged_attempt,
        world.orders.given_up.get(seen.uid, -1),
        *(job.attempt for job in world.cache.jobs.values() if job.task_set == seen.ref),
        -1,
    )
    attempt = Attempt(
        task_set=seen.ref,
        task_set_uid=seen.uid,
        owner_name=transfer.ref.name,
        owner_uid=transfer.uid,
        number=number,
        endpoints=endpoints_between(transfer.source, transfer.destination, world.cache.servers),
        secrets=config,
        peers=peers,
        folder=gift.destination.spec if isinstance(gift.destination, SeenFolder) else None,
        retry_seconds=settings.retry_seconds,
        service_account=settings.runner_service_account,
        spool_size=settings.spool_size,
        pod=settings.runner_pod,
    )
    for secret in secrets.values():
        await _ensure(world, secret)
    if gift.receiver_key is not None:
        await ensure_receiver_key(world.cluster, settings)
    job = runner_job(attempt, namespace=namespace, image=settings.runner_image, mount_dir=settings.mount_dir)
    if not still_startable(world.cache, transfer, seen, allocation):  # guard: asked-again-before-a-start
        return False
    world.orders.attempted[Ref.of(job)] = seen_job(job)  # guard: unanswered-takes-a-slot
    try:
        made = await made_or_there(world.cluster, job)  # there: an earlier turn made it, and its answer got lost
    except ClusterUnavailable:
        raise  # nobody knows whether it was made
    except AditError:
        world.orders.attempted.pop(Ref.of(job), None)
        raise
    world.orders.attempted.pop(Ref.of(job), None)
    if made["metadata"].get("labels", {}).get(labels.TASK_SET_UID) != seen.uid:
        raise NameTaken(f"Job {job['metadata']['name']} in {namespace} belongs to somebody else: delete it")
    world.cache.put(made)
    return Ref.of(job) in world.cache.jobs


async def look_for_attempted(world: World) -> ClusterUnavailable | None:
    """Look whether the Jobs are there of which nobody answered whether they were made; why not, where nobody answers.

    Until then they count as made, since a runner may work.
    """
    for ref in tuple(world.orders.attempted):
        if ref not in world.cache.jobs:
            try:
                world.cache.put(await world.cluster.get(ref))
            except ObjectNotFound:
                pass
            except ClusterUnavailable as error:
                return error
        del world.orders.attempted[ref]
    return None


def known_jobs(world: World) -> tuple[SeenJob, ...]:
    """The runners' Jobs that there are, and those that there may be."""
    jobs = world.cache.jobs
    unseen = (job for ref, job in world.orders.attempted.items() if job is not None and ref not in jobs)
    return (*jobs.values(), *unseen)


def _last_job(cache: Cache, seen: SeenSet) -> SeenJob | None:
    """The Job of the newest attempt at a set."""
    own = (job for job in cache.jobs_of(seen.owner_uid or "") if job.task_set_uid == seen.uid)
    return max(own, key=lambda job: job.attempt, default=None)


def _gift(world: World, transfer: SeenTransfer) -> Given | None:
    cache, namespace = world.cache, transfer.ref.namespace
    profile = profile_named(transfer.profile, namespace, cache.profiles)
    if (profile.hash if profile else None) != transfer.profile_hash:  # guard: profile-as-planned
        return None
    key = KeySeen()
    if profile is not None:
        named = profile.spec.key_secret_ref
        ref = Ref("Secret", namespace, named.name if named else world.settings.key_secret)
        used = frozenset([transfer.key_id] if transfer.key_id else [])
        key = key_seen(
            ref, profile, cache.secrets.get(ref), cache.markers.get(namespace), used, own=world.settings.key_secret
        )
    return given(
        transfer.source,
        transfer.destination,
        profile,
        servers=cache.servers,
        folders=cache.folders,
        secrets=cache.secrets.get,
        key=key,
        settings=world.settings,
    )


async def _ensure(world: World, secret: Manifest) -> None:
    """A rendered Secret is named by its content: where the name is taken, the content is there.

    Most runners find theirs there already, and a look costs the API server less than a write that it refuses.
    """
    try:
        await world.cluster.get(Ref.of(secret))
    except ObjectNotFound:
        await made_or_there(world.cluster, secret)
