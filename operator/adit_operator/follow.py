"""Follow the plan: create what it names, judge what ended, stop what must stop, add up, say when it is over. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adit.api.task_list import TaskList
from adit.api.transfer_job import Plan
from adit.cluster.kinds import Ref
from adit_operator.accept import ends_of, there
from adit_operator.access import revoked
from adit_operator.aggregate import aggregate
from adit_operator.before import Accepted, acceptance
from adit_operator.blocked import blocked
from adit_operator.decision import Decision, StopWrite, Unreachable, VerdictWrite
from adit_operator.judge import Judgement, judge
from adit_operator.observed import Observed, SeenSet, Waiting
from adit_operator.plan import missing_sets, planned_name, planned_tasks, task_sets
from adit_operator.report import report
from adit_operator.standing import Standing
from adit_operator.stop import eviction, stop_changes, wanted_stop

if TYPE_CHECKING:
    from adit.api.task_set import TaskState

NO_TASKS = TaskList()


@dataclass(frozen=True, slots=True)
class Ready:
    """The sets that are missing, in order, what prevents that they are made, and the round's tasks to make them of."""

    missing: tuple[int, ...]
    problem: Waiting | None
    tasks: TaskList = NO_TASKS


def follow(seen: Observed) -> Decision:
    """The next step of a planned, unfinished round."""
    plan, spec = seen.job.status.plan, seen.job.spec
    assert plan is not None
    own = [one for one in seen.sets if one.round == plan.round]
    ready = _ready(seen, plan)
    accepted = acceptance(seen)
    cancel = spec.shutdown is not None
    judgements, unjudged = _judgements(seen, own, cancel=cancel)
    after = tuple(_after(one, judgements.get(one.uid, Judgement())) for one in seen.sets)
    now_own = [one for one in after if one.round == plan.round]
    # nothing tells us of our own write, and a set is retired only once its end is written
    ends = any(now.finished and not before.finished for before, now in zip(seen.sets, after, strict=True))
    stalled = ready.problem or (accepted if isinstance(accepted, Waiting) else None) or blocked(seen, now_own)
    create = (
        tuple(task_sets(seen.job, plan, ready.tasks, ready.missing[: seen.batch], profile=seen.profile, make=seen.make))
        if ready.missing and ready.problem is None and (stalled is None or cancel)
        else ()
    )
    complete = not ready.missing or (cancel and ready.problem is not None)
    over = complete and all(one.finished for one in now_own)  # guard: over-when-all-finished
    totals = aggregate(seen.total, after, without_record="C" if over else "P", repeated=_unmade(plan, ready, over=over))
    running = [one for one in now_own if seen.running(one)]
    retry = spec.retry
    waiting_retry = retry is not None and retry.token != seen.job.status.observed_retry_token
    standing = Standing(
        totals=totals,
        plan=plan,
        over=over,
        started=any(one.claimed for one in now_own),
        running=len(running),
        suspend=spec.suspend,
        shutdown=cancel,
        stalled=None if cancel else stalled,
        waiting=seen.waiting,
        waiting_retry=waiting_retry,
        retried=plan.scope is not None,
    )
    return Decision(
        status=report(seen, standing),
        unreachable=tuple(_unreachable(own, judgements)),
        proved=frozenset(ref for one in own if judgements[one.uid].proved for ref in (one.source, one.destination)),
        mark_key=accepted.mark_key if isinstance(accepted, Accepted) else None,
        verdicts=tuple(_verdicts(own, judgements)),
        stops=tuple(_stops(seen, now_own)),
        create=create,
        retire=tuple(one for one in seen.sets if one.finished and one.active),
        again=bool(create) or (over and waiting_retry) or ends or unjudged,
    )


def _ready(seen: Observed, plan: Plan) -> Ready:
    missing = missing_sets(plan, seen.sets)
    if missing:
        names = [planned_name(seen.job, plan, index) for index in missing]
        taken = next((name for name in names if name in seen.foreign), None)
        if taken is not None:  # guard: owner-uid
            return Ready(
                missing, Waiting("NameTaken", f"TaskSet {taken} belongs to somebody else: delete or rename it")
            )
        unreadable = next((name for name in names if name in seen.unreadable), None)
        if unreadable is not None:
            said = f"TaskSet {unreadable} cannot be read: see the operator's log"
            return Ready(missing, Waiting("TaskSetUnreadable", said))
    tasks = planned_tasks(seen, plan) if missing else NO_TASKS
    if tasks is None:
        changed = "the tasks are no longer those that were planned: cancel this job and make a new one"
        return Ready(missing, seen.unlisted or Waiting("InputChanged", changed))
    if seen.no_profile is not None:
        return Ready(missing, seen.no_profile)
    if (seen.profile.hash if seen.profile else None) != plan.profile_hash:
        changed = (
            "the pseudonymization profile is no longer the one that was planned: cancel this job and make a new one"
        )
        return Ready(missing, Waiting("InputChanged", changed))
    return Ready(missing, seen.refused if missing else None, tasks)


def _unmade(plan: Plan, ready: Ready, *, over: bool) -> tuple[str, ...]:
    """The ids of the round's tasks whose sets are still to be made."""
    if over or plan.round == 0:
        return ()  # they are in no set yet, and so pending by themselves
    missing = frozenset(ready.missing)
    return tuple(name for i, name in enumerate(ready.tasks.ids) if i // plan.tasks_per_set in missing)


def _judgements(seen: Observed, own: Sequence[SeenSet], *, cancel: bool) -> tuple[dict[str, Judgement], bool]:
    """What each set's end means, of which one look writes so many verdicts; and whether some are left to the next."""
    judgements = {one.uid: _judge(seen, one, cancel=cancel) for one in own}
    later = [uid for uid, judgement in judgements.items() if judgement.verdict is not None][seen.batch :]
    return judgements | dict.fromkeys(later, Judgement()), bool(later)


def _judge(seen: Observed, one: SeenSet, *, cancel: bool) -> Judgement:
    return judge(one, seen.last_job(one), running=seen.running(one), held=one.uid in seen.held, cancel=cancel)


def _after(seen: SeenSet, judgement: Judgement) -> SeenSet:
    """The set as it will be once the verdict is written."""
    verdict = judgement.verdict
    if verdict is None:
        return seen
    closed: Mapping[str, TaskState] = {one.id: one.state for one in verdict.overrides}
    states = tuple(
        closed.get(name, state) if state == "P" else state
        for name, state in zip(seen.task_ids, seen.states, strict=True)
    )
    return replace(
        seen,
        states=states,
        overrides=verdict.overrides,
        crashes=verdict.crashes,
        judged_attempt=verdict.judged_attempt,
        finished=verdict.finished,
    )


def _verdicts(own: Sequence[SeenSet], judgements: Mapping[str, Judgement]) -> list[VerdictWrite]:
    pairs = ((one, judgements[one.uid].verdict) for one in own)
    return [VerdictWrite(one, verdict) for one, verdict in pairs if verdict is not None]


def _unreachable(own: Sequence[SeenSet], judgements: Mapping[str, Judgement]) -> list[Unreachable]:
    pairs = ((one, judgements[one.uid].unreachable) for one in own)
    return [Unreachable(_suspects(one), message) for one, message in pairs if message is not None]


def _suspects(one: SeenSet) -> tuple[Ref, ...]:
    """The servers that a runner could not reach: the one that it named, both where it named none."""
    ends = tuple(ref for ref in (one.source, one.destination) if ref.kind == "DicomServer")
    named = one.ended.peer if one.ended is not None else None
    return tuple(ref for ref in ends if ref.name == named) or ends


def _stops(seen: Observed, own: Sequence[SeenSet]) -> Iterator[StopWrite]:
    spec, revoked = seen.job.spec, _revoked(seen)
    for one in own:
        wanted = wanted_stop(one, spec, seen.yields, running=seen.running(one), revoked=revoked)
        if stop_changes(one, wanted):
            why = eviction(one, spec, seen.yields, revoked=revoked) if wanted is not None else None
            yield StopWrite(one, wanted, why)


def _revoked(seen: Observed) -> bool:
    """Whether an owner took back the grant, the server or the folder: the refusals that interrupt."""
    namespace, profile = seen.job.metadata.namespace, seen.job.spec.pseudonymization.profile
    return revoked(namespace, profile, ends_of(seen), there(seen))
