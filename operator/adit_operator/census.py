"""Census: what admission decides on, counted from the cache: who wants to run, who runs, who was served when."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from adit.cluster.kinds import Ref
from adit_operator.access import There, withheld
from adit_operator.admission import Candidate, admissible, startable
from adit_operator.cache import Cache
from adit_operator.observed import SeenJob, SeenSet, SeenTransfer
from adit_operator.runners import NEVER, Present, Runner
from adit_operator.slots import Allocation, Held, endpoints_between

# Where there are windows and a machine's clock is wrong, runners stop as soon as they begin: not one after the other.
NO_TIME, REST = timedelta(seconds=30), timedelta(seconds=60)


def candidates_of(cache: Cache, allocation: Allocation) -> Iterator[Candidate]:
    """The jobs that may run and have sets to start."""
    for transfer in cache.transfers.values():
        if not runnable(cache, transfer):
            continue
        last = _last_ended(cache, transfer)
        windows = any(cache.servers[end].spec.windows for end in _ends(transfer) if end in cache.servers)
        sets = [
            _rested(seen, last.get(seen.uid)) if windows else seen
            for seen in cache.sets_of(transfer.uid)
            if startable(seen, transfer, allocation, _newest_attempt(seen, last.get(seen.uid)))
        ]
        if sets:
            yield Candidate(transfer, sets, endpoints_between(*_ends(transfer), cache.servers))


def runnable(cache: Cache, transfer: SeenTransfer) -> bool:
    """Whether the job lets its sets run, and the owners of its servers and folders let it."""
    return admissible(transfer) and granted(cache, transfer)  # guard: granted-before-a-start


def granted(cache: Cache, transfer: SeenTransfer) -> bool:
    """Whether source and destination are there and may be used; reconcile tells the person where not."""
    there = There(cache.servers, cache.folders, cache.unreadable)
    return withheld(transfer.ref.namespace, transfer.profile, _ends(transfer), there) is None


def still_startable(cache: Cache, transfer: SeenTransfer, seen: SeenSet, allocation: Allocation) -> bool:
    """Whether the set may start by what is known now: a turn takes its time, and people and owners do not wait."""
    job, fresh = cache.transfers.get(transfer.ref), cache.sets.get(seen.ref)
    if job is None or job.uid != transfer.uid or fresh is None or fresh.uid != seen.uid:
        return False
    last = _last_ended(cache, job).get(seen.uid)
    return runnable(cache, job) and startable(fresh, job, allocation, _newest_attempt(fresh, last))


def present_of(cache: Cache, allocation: Allocation) -> Present:
    """Who runs, and when each job was served last at each endpoint: when its runner there ended, or else began."""
    owners = {transfer.uid: transfer for transfer in cache.transfers.values()}
    last: dict[str, SeenJob] = {}
    served: dict[tuple[str, str], datetime] = {}
    for job in cache.jobs.values():
        if job.task_set_uid not in last or job.attempt > last[job.task_set_uid].attempt:
            last[job.task_set_uid] = job
        when = job.ended or job.created or NEVER
        for name in job.endpoints if job.owner_uid in owners else ():
            served[job.owner_uid, name] = max(when, served.get((job.owner_uid, name), NEVER))
    return Present(
        tuple(
            _runner(one, owners.get(one.owner_uid), cache.sets.get(one.task_set), last.get(one.uid))
            for one in allocation.held
        ),
        tuple((owners[uid], name, when) for (uid, name), when in served.items()),
    )


def waited(cache: Cache, seen: SeenSet, now: datetime) -> float:
    """For how many seconds a set that starts now could have run before: since it was made, its last end, its retry."""
    ends = (job.ended for job in cache.jobs_of(seen.owner_uid or "") if job.task_set_uid == seen.uid)
    dues = (due for due in seen.due.values() if due <= now)
    began = max((moment for moment in (seen.created, *ends, *dues) if moment is not None), default=now)
    return max(0.0, (now - began).total_seconds())


def _runner(one: Held, owner: SeenTransfer | None, seen: SeenSet | None, job: SeenJob | None) -> Runner:
    """A runner whose set is gone, done or not to be worked is leaving, and so is one that said its last word."""
    at_work = (
        owner is not None
        and admissible(owner)
        and seen is not None
        and seen.uid == one.uid
        and "P" in seen.states
        and not (job is not None and job.leaving)
        and not (seen.ended is not None and job is not None and seen.attempt == job.attempt)
    )
    return Runner(
        one.uid,
        owner,
        one.endpoints,
        since=(job.created if job is not None else None) or NEVER,
        leaving=not at_work,
        asked=seen is not None and seen.uid == one.uid and seen.stop is not None,
    )


def _ends(transfer: SeenTransfer) -> tuple[Ref, Ref]:
    return (transfer.source, transfer.destination)


def _last_ended(cache: Cache, transfer: SeenTransfer) -> Mapping[str, SeenJob]:
    """By the UID of a set: of its Jobs that have ended the one of the newest attempt."""
    ended = (job for job in cache.jobs_of(transfer.uid) if job.finished)
    return {job.task_set_uid: job for job in sorted(ended, key=lambda job: job.attempt)}


def _newest_attempt(seen: SeenSet, last: SeenJob | None) -> int:
    return max(seen.attempt, last.attempt if last is not None else -1)


def _rested(seen: SeenSet, last: SeenJob | None) -> SeenSet:
    """Not again at once where a runner stopped as soon as it began: by its own clock the window is closed."""
    if last is None or last.created is None or last.ended is None or last.ended - last.created >= NO_TIME:
        return seen
    if seen.ended is None or seen.ended.reason != "Stopped" or seen.attempt != last.attempt:
        return seen
    again = last.ended + REST
    return replace(seen, due={name: max(again, seen.due.get(name, again)) for name in seen.open_ids})
