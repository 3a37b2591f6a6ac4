"""Follow the plan: create what it names, judge what ended, stop what must stop, add up, say when it is over. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from adit.api.transfer_job import Plan
from adit.cluster.kinds import Ref
from adit_operator.accept import profile_of, refusal, servers_of
from adit_operator.aggregate import aggregate
from adit_operator.before import Accepted, acceptance
from adit_operator.blocked import blocked
from adit_operator.decision import Decision, StopWrite, Unreachable, VerdictWrite
from adit_operator.judge import Judgement, judge
from adit_operator.observed import Observed, SeenSet, Waiting
from adit_operator.plan import planned_names, planned_tasks, task_sets
from adit_operator.report import report
from adit_operator.standing import Standing
from adit_operator.stop import stop_changes, wanted_stop

if TYPE_CHECKING:
    from adit.api.task_set import TaskState


@dataclass(frozen=True, slots=True)
class Ready:
    """The sets that are missing, and what prevents that they are made."""

    missing: frozenset[int]
    problem: Waiting | None


def follow(seen: Observed) -> Decision:
    """The next step of a planned, unfinished round."""
    plan, spec = seen.job.status.plan, seen.job.spec
    assert plan is not None
    own = [one for one in seen.sets if one.round == plan.round]
    ready = _ready(seen, plan, own)
    accepted = acceptance(seen)
    cancel = spec.shutdown is not None
    judgements = {one.uid: _judge(seen, one, cancel=cancel) for one in own}
    after = tuple(_after(one, judgements.get(one.uid, Judgement())) for one in seen.sets)
    now_own = [one for one in after if one.round == plan.round]
    stalled = ready.problem or (accepted if isinstance(accepted, Waiting) else None) or blocked(seen, now_own)
    create = (
        tuple(task_sets(seen.job, plan, planned_tasks(seen, plan) or (), ready.missing))
        if ready.missing and ready.problem is None and (stalled is None or cancel)
        else ()
    )
    complete = not ready.missing or (cancel and ready.problem is not None)
    over = complete and all(one.finished for one in now_own)  # guard: over-when-all-finished
    totals = aggregate(spec, after, without_record="C" if over else "P", repeated=_unmade(seen, plan, ready, over=over))
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
        stops=tuple(_stops(seen, now_own, revoked=_revoked(seen))),
        create=create,
        retire=tuple(one for one in seen.sets if one.finished and one.active),
        again=bool(create) or (over and waiting_retry),
    )


def _ready(seen: Observed, plan: Plan, own: Sequence[SeenSet]) -> Ready:
    names = planned_names(seen.job, plan)
    present = {one.index for one in own}
    missing = frozenset(index for index in range(plan.sets) if index not in present)
    unreadable = [name for name in names if name in seen.unreadable]
    taken = [name for name in names if name in seen.foreign]
    if taken:  # guard: owner-uid
        return Ready(missing, Waiting("NameTaken", f"TaskSet {taken[0]} belongs to somebody else: delete or rename it"))
    if unreadable:
        return Ready(
            missing, Waiting("TaskSetUnreadable", f"TaskSet {unreadable[0]} cannot be read: see the operator's log")
        )
    if (missing or plan.scope is None) and planned_tasks(seen, plan) is None:
        changed = "the tasks are no longer those that were planned: cancel this job and make a new one"
        return Ready(missing, Waiting("InputChanged", changed))
    profile = profile_of(seen.job.spec)
    if (profile.hash if profile else None) != plan.profile_hash:
        changed = "the pseudonymization profile is no longer the one that was planned: cancel this job and retry it"
        return Ready(missing, Waiting("InputChanged", changed))
    return Ready(missing, None)


def _unmade(seen: Observed, plan: Plan, ready: Ready, *, over: bool) -> tuple[str, ...]:
    """The ids of the round's tasks whose sets are still to be made."""
    if over or not ready.missing:
        return ()
    tasks = planned_tasks(seen, plan) or ()
    return tuple(str(task.id) for i, task in enumerate(tasks) if i // plan.tasks_per_set in ready.missing)


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


def _stops(seen: Observed, own: Sequence[SeenSet], *, revoked: bool) -> list[StopWrite]:
    paused = any(server.spec.paused for _, server in servers_of(seen))
    stops = []
    for one in own:
        wanted = wanted_stop(seen.job.spec, running=seen.running(one), revoked=revoked, paused=paused)
        if stop_changes(one, wanted):
            stops.append(StopWrite(one, wanted))
    return stops


def _revoked(seen: Observed) -> bool:
    """Whether the owner took the grant back while the job runs: the one refusal that interrupts."""
    refused = refusal(seen)
    return refused is not None and refused.reason == "AccessDenied"
