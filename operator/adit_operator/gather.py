"""Gather: all that deciding about one TransferJob needs, read once: its body from the API, the rest from the cache."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from adit.api.endpoint import endpoint_of
from adit.api.resource import TransferJob
from adit.api.task_list import TaskList
from adit.cluster.cluster import Cluster, Lease, Manifest, ObjectNotFound
from adit.cluster.events import EventRecorder, NoEvents
from adit.cluster.kinds import Ref
from adit.cluster.slots import InteractiveSlots
from adit.pseudonymization.profile import BUILT_IN, Profile
from adit_operator.before import acceptance
from adit_operator.cache import Cache
from adit_operator.clock import Clock
from adit_operator.credentials import secrets_of
from adit_operator.give import given
from adit_operator.key import ID_ENTRY, UseKey, key_decision, key_seen, marker_name
from adit_operator.lists import list_needed, listed
from adit_operator.mapping import beside_its_key, mapping_of
from adit_operator.memory import Memory
from adit_operator.observed import KeySeen, Observed, SeenSecret, SeenSet, Waiting, terminal
from adit_operator.orders import Orders
from adit_operator.plan import missing_sets, planned_name
from adit_operator.profiles import KIND, not_found, profile_named
from adit_operator.project import resolve, seen_secret, transfer_job_of
from adit_operator.pseudonyms import collision, maker_of
from adit_operator.render import mounts_of, peers_hash, rendered
from adit_operator.settings import OperatorSettings
from adit_operator.slots import caps_of


@dataclass(frozen=True, slots=True)
class World:
    """What the operator's rooms look at and act on."""

    cluster: Cluster
    lease: Lease
    cache: Cache
    settings: OperatorSettings
    clock: Clock
    orders: Orders = field(default_factory=Orders)
    memory: Memory = field(default_factory=Memory)
    events: EventRecorder = field(default_factory=NoEvents)
    # None where people cannot ask servers
    slots: InteractiveSlots | None = None


async def gather(world: World, manifest: Manifest, waiting: Waiting | None) -> Observed:
    """Observe one TransferJob as just read. Raises BadInput where it cannot be read."""
    cache, job = world.cache, transfer_job_of(manifest)
    meta, spec = job.metadata, job.spec
    source, destination = resolve(spec.source, meta.namespace), resolve(spec.destination, meta.namespace)
    servers = {ref: cache.servers[ref] for ref in (source, destination) if ref in cache.servers}
    folders = {ref: cache.folders[ref] for ref in (destination,) if ref in cache.folders}
    secrets = await _secrets(world, [secret for ref, server in servers.items() for secret in secrets_of(ref, server)])
    profile, no_profile = await observe_profile(world, job)
    key = await observe_key(world, job, profile) if profile is not None else KeySeen()
    sets = cache.sets_of(meta.uid)
    plan = job.status.plan
    missing = missing_sets(plan, sets) if plan else ()
    names = [planned_name(job, plan, index) for index in missing] if plan else []
    refs = [Ref("TaskSet", meta.namespace, name) for name in names]
    gift = given(
        source,
        destination,
        profile,
        servers=cache.servers,
        folders=folders,
        secrets=secrets.get,
        key=key,
        settings=world.settings,
    )
    caps = caps_of(cache.servers.values(), {})
    seen = Observed(
        job=job,
        now=world.clock.now(),
        sets=sets,
        jobs=cache.jobs_of(meta.uid),
        held=held(world.lease, sets),
        foreign=frozenset(ref.name for ref in refs if ref in cache.sets and cache.sets[ref].owner_uid != meta.uid),
        unreadable=frozenset(ref.name for ref in refs if ref in cache.unreadable),
        unreadable_ends={ref: cache.unreadable[ref] for ref in (source, destination) if ref in cache.unreadable},
        servers=servers,
        folders=folders,
        secrets=secrets,
        slots={name: caps[name].slots for name in (str(endpoint_of(server.spec)) for server in servers.values())},
        profile=profile,
        no_profile=no_profile,
        make=maker_of(profile, key, meta.uid),
        key=key,
        batch=max(1, world.settings.writes_per_second // 2),
        config=mounts_of(gift, rendered(gift, world.settings.runner_namespace)) if gift and not no_profile else {},
        peers=peers_hash(gift) if gift else "",
        receiver=world.settings.receiver is not None,
        image=world.settings.runner_image,
        waiting=waiting,
        yields=world.orders.yields,
        refused=world.memory.refusals.of(meta.uid, world.clock.monotonic()),
    )
    return await _with_list(world, seen)


async def _with_list(world: World, seen: Observed) -> Observed:
    """The same with the job's list, where deciding needs it; once all sets are made nobody remembers it any longer."""
    job, remembered = seen.job, world.memory.lists
    if not list_needed(job, seen.sets):
        remembered.forget(job.metadata.uid)
        return seen
    begins = job.status.plan is None or terminal(job)
    if begins and job.spec.tasks is None and isinstance(acceptance(seen), Waiting):
        return seen  # of a job that is refused anyway nothing is planned, and its Secrets need not be read
    source = seen.profile.spec.pseudonym_source if seen.profile else None
    found = await listed(world.cluster, remembered, job, seen.sets, world.clock.monotonic(), source=source)
    if isinstance(found, Waiting):
        return replace(seen, unlisted=found)
    return await _with_pseudonyms(world, seen, found) if begins else replace(seen, tasks=found)


async def _with_pseudonyms(world: World, seen: Observed, tasks: TaskList) -> Observed:
    """The same with the list that is to be planned, if no two patients get one pseudonym, and its mapping table."""
    profile, key = seen.profile, key_decision(seen.key)
    if profile is None or not isinstance(key, UseKey):
        return replace(seen, tasks=tasks)
    same = await asyncio.to_thread(collision, tasks, seen.make) if seen.make else None
    if same is not None:
        return replace(seen, unlisted=same)
    if beside := beside_its_key(seen.job, profile, world.settings.runner_namespace):
        return replace(seen, unlisted=beside)
    table: tuple[Manifest, ...] = ()
    if profile.spec.mapping_table:  # guard: no-table-unasked
        keep = partial(mapping_of, key_id=key.key.id, make=seen.make, runner_namespace=world.settings.runner_namespace)
        table = await asyncio.to_thread(keep, seen.job, tasks, profile)
    return replace(seen, tasks=tasks, mapping=table)


def held(lease: Lease, sets: tuple[SeenSet, ...]) -> frozenset[str]:
    """The UIDs of the unfinished sets whose holder's lease has not run out."""
    return frozenset(
        seen.uid
        for seen in sets
        if seen.holder is not None and not seen.finished and not lease.expired(seen.uid, dict(seen.holder))
    )


async def observe_profile(world: World, job: TransferJob) -> tuple[Profile | None, Waiting | None]:
    """The profile that the job names, if any; and why it is not there, if it is not.

    Before a plan it is read anew: a watch that lags would plan by a profile that was deleted and made again.
    """
    cache, namespace, name = world.cache, job.metadata.namespace, job.spec.pseudonymization.profile
    if name is not None and name not in BUILT_IN and _plans_next(job):
        await _read_profiles(world, namespace)
    profile = profile_named(name, namespace, cache.profiles)
    if name is None or profile is not None:
        return profile, None
    return None, not_found(name, namespace, cache.profiles, cache.unreadable.get(Ref(KIND, namespace, name)))


def _plans_next(job: TransferJob) -> bool:
    """Whether a round may be planned now."""
    retry = job.spec.retry
    return job.status.plan is None or (retry is not None and retry.token != job.status.observed_retry_token)


async def _read_profiles(world: World, namespace: str) -> None:
    """Bring the profiles of a namespace up to date."""
    listing = await world.cluster.list(KIND, namespace=namespace)
    there = {Ref.of(manifest) for manifest in listing.items}
    for manifest in listing.items:
        world.cache.put(manifest)
    for ref in [ref for ref in world.cache.profiles if ref.namespace == namespace and ref not in there]:
        world.cache.forget(ref)


async def observe_key(world: World, job: TransferJob, profile: Profile) -> KeySeen:
    """The key that a job of this profile takes, its marker if it is the namespace's own, and its ids ever used."""
    namespace, named = job.metadata.namespace, profile.spec.key_secret_ref
    ref = Ref("Secret", namespace, named.name if named else world.settings.key_secret)
    secret = (await _secrets(world, [ref])).get(ref)
    marker = None
    if named is None:
        marker = world.cache.markers.get(namespace) or await _marker(world, namespace)
    plans = (*job.status.earlier_plans, *([job.status.plan] if job.status.plan else []))
    own = {plan.key_id for plan in plans if plan.key_id is not None and plan.key_secret_ref == named}
    used = frozenset(own) | world.cache.key_ids(namespace, named)
    return key_seen(ref, profile, secret, marker, used, own=world.settings.key_secret)


async def _marker(world: World, namespace: str) -> str | None:
    try:
        found = await world.cluster.get(Ref("ConfigMap", namespace, marker_name(world.settings.key_secret)))
    except ObjectNotFound:
        return None
    marker = str((found.get("data") or {}).get(ID_ENTRY, "")) or None
    if marker is not None:
        world.cache.markers[namespace] = marker
    return marker


async def _secrets(world: World, refs: list[Ref]) -> Mapping[Ref, SeenSecret]:
    """The Secrets of these names; one that is not labelled is not watched, and looked at only to say so."""
    found: dict[Ref, SeenSecret] = {}
    for ref in refs:
        if ref in world.cache.secrets:
            found[ref] = world.cache.secrets[ref]
            continue
        try:
            found[ref] = seen_secret(await world.cluster.get(ref))
        except ObjectNotFound:
            continue
    return found
