"""Admit: one turn of the admission loop. Look at everything, decide, make the Jobs of the sets that may run."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from adit.api import labels
from adit.cluster.cluster import Conflict, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.errors import PermanentError
from adit_operator.admission import admit
from adit_operator.blocked import in_vain
from adit_operator.cache import Cache
from adit_operator.census import candidates_of, present_of, waited
from adit_operator.gather import World, held
from adit_operator.give import given
from adit_operator.manifests import Attempt, runner_job
from adit_operator.observed import KeySeen, SeenFolder, SeenJob, SeenSet, SeenTransfer, Waiting
from adit_operator.reach import Reach
from adit_operator.render import Given, names_of, peers_hash, rendered
from adit_operator.slots import Allocation, allocated, caps_of, endpoints_between

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did: the jobs that got a runner, why the others wait, and when it must look again at the latest."""

    started: tuple[Ref, ...]
    waiting: Mapping[str, Waiting]
    next_due: datetime | None
    allocation: Allocation
    # the jobs of which running sets are told something else than before
    told: tuple[Ref, ...] = ()
    # for each set that was started, how many seconds it could have run before it did
    waited: tuple[float, ...] = ()
    # how many runners were told to make room since the last turn, by reason
    evicted: Mapping[str, int] = field(default_factory=dict)


class NameTaken(PermanentError):
    """Somebody else's Job has the name of a runner's."""

    default_reason = "NameTaken"


async def admission_turn(world: World, reach: Reach) -> Turn:
    """Decide what runs now, and start it. Raises ClusterUnavailable; what was started stays started.

    Who makes room is told to reconcile before anything starts, so that nobody is told what was meant for its
    predecessor.
    """
    cache, now = world.cache, world.clock.now()
    allocation = observe_allocation(world)
    present = present_of(cache, allocation)
    asked = [one.owner.uid for one in present.runners if one.asked and one.owner] if not world.orders.spoken else []
    admission = admit(
        candidates_of(cache, allocation),
        reach.with_probes(allocation),
        caps_of(cache.servers.values(), reach.down(), now),
        now,
        present,
        probe_seconds=world.settings.probe_seconds,
    )
    told = {*world.orders.give(admission.yield_), *asked}
    owners = {transfer.uid: transfer for transfer in cache.transfers.values()}
    started, pauses, waiting = [], [], dict(admission.waiting)
    for seen in admission.start:
        transfer = owners[seen.owner_uid or ""]
        pause = waited(cache, seen, now)
        try:
            if await _start(world, transfer, seen):
                started.append(transfer.ref)
                pauses.append(pause)
        except NameTaken as error:
            waiting[transfer.uid] = Waiting(error.reason, error.message)
        except PermanentError as error:
            log.error("a runner could not be started", task_set=str(seen.ref), reason=error.reason)  # noqa: TRY400  # the job's condition tells the rest
            waiting[transfer.uid] = Waiting("StartRefused", error.message)
    return Turn(
        started=tuple(dict.fromkeys(started)),
        waiting=waiting,
        next_due=admission.next_due,
        allocation=allocation,
        told=tuple(owners[uid].ref for uid in told if uid in owners),
        waited=tuple(pauses),
        evicted=world.orders.take_evicted(),
    )


def observe_allocation(world: World) -> Allocation:
    """What runners hold now."""
    cache = world.cache
    sets = tuple(seen for seen in cache.sets.values() if not seen.finished)
    return allocated(cache.jobs.values(), sets, held(world.lease, sets), cache.servers)


async def _start(world: World, transfer: SeenTransfer, seen: SeenSet) -> bool:
    """Make the Job of the set's next attempt, after the Secrets that it mounts. Raises NameTaken."""
    gift = _gift(world, transfer)
    if gift is None:
        return False  # reconcile sees the same gap and tells the person
    namespace, settings = world.settings.runner_namespace, world.settings
    secrets = rendered(gift, namespace)
    peers, config = peers_hash(gift), names_of(secrets)
    # its end is judged, but reconcile may not have told the job yet that it is stalled
    if in_vain(seen, _last_job(world.cache, seen), peers=peers, image=settings.runner_image, config=config):
        return False
    number = 1 + max(
        seen.attempt,
        seen.judged_attempt,
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
    job = runner_job(attempt, namespace=namespace, image=settings.runner_image, mount_dir=settings.mount_dir)
    try:
        made = await world.cluster.create(job)
    except Conflict:
        made = await world.cluster.get(Ref.of(job))  # an earlier turn made it, and its answer got lost
        if made["metadata"].get("labels", {}).get(labels.TASK_SET_UID) != seen.uid:
            raise NameTaken(
                f"Job {job['metadata']['name']} in {namespace} belongs to somebody else: delete it"
            ) from None
    world.cache.put(made)
    return Ref.of(job) in world.cache.jobs


def _last_job(cache: Cache, seen: SeenSet) -> SeenJob | None:
    """The Job of the newest attempt at a set."""
    own = (job for job in cache.jobs_of(seen.owner_uid or "") if job.task_set_uid == seen.uid)
    return max(own, key=lambda job: job.attempt, default=None)


def _gift(world: World, transfer: SeenTransfer) -> Given | None:
    cache, namespace = world.cache, transfer.ref.namespace
    key = KeySeen(
        cache.secrets.get(Ref("Secret", namespace, world.settings.key_secret)),
        cache.markers.get(namespace),
        frozenset([transfer.key_id] if transfer.key_id else []),
    )
    return given(
        transfer.source,
        transfer.destination,
        transfer.profile,
        servers=cache.servers,
        folders=cache.folders,
        secrets=cache.secrets.get,
        key=key,
        settings=world.settings.for_runners(),
    )


async def _ensure(world: World, secret: Manifest) -> None:
    """A rendered Secret is named by its content: where the name is taken, the content is there.

    Most runners find theirs there already, and a look costs the API server less than a write that it refuses.
    """
    try:
        await world.cluster.get(Ref.of(secret))
    except ObjectNotFound:
        with contextlib.suppress(Conflict):
            await world.cluster.create(secret)


def running_on(world: World, endpoint: str) -> int:
    """How many runner slots of an endpoint are taken now."""
    return observe_allocation(world).slots[endpoint]
