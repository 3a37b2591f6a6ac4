"""After the end: a finished round never changes; a new retry token opens the next one, waits, or is refused. Pure."""

from adit.api.conditions import Condition, ConditionStatus, with_condition
from adit.api.task_list import TaskList
from adit.api.transfer_job import MAX_EARLIER_PLANS, TransferJobStatus
from adit_operator.aggregate import aggregate
from adit_operator.before import Accepted, acceptance, seconds_to_mend
from adit_operator.clock import timestamp
from adit_operator.conditions import MAX_MESSAGE
from adit_operator.decision import Decision
from adit_operator.key import MakeKey
from adit_operator.observed import Observed, SeenSet, Waiting, stalled_reason
from adit_operator.plan import next_plan
from adit_operator.report import report
from adit_operator.retention import NEW_JOB, compacted, retention_of
from adit_operator.rounds import Refused, retry_tasks
from adit_operator.standing import Standing


def after_the_end(seen: Observed) -> Decision:
    """Answer a new retry token; without one only what the operator itself keeps tidy is touched."""
    retry, old = seen.job.spec.retry, seen.job.status
    retire = tuple(one for one in seen.sets if one.finished and one.active)
    if retry is None or retry.token == old.observed_retry_token:  # guard: token-opens-one-round
        return _kept(seen, retire)
    tasks = _to_repeat(seen)
    if isinstance(tasks, Refused):
        return Decision(_refused(seen, tasks), retire=retire)
    match acceptance(seen):
        case MakeKey():
            return Decision(old, make_key=True, again=True)
        case Waiting() as stalled:
            told = _told(seen, old, "Stalled", "True", stalled)
            return Decision(told, retire=retire, within=seconds_to_mend(stalled))
        case Accepted(key_id, mark_key):
            return Decision(_opened(seen, tasks, key_id), mapping=seen.mapping, mark_key=mark_key, again=True)


def _kept(seen: Observed, retire: tuple[SeenSet, ...]) -> Decision:
    """Nothing is asked for: a stall is over, and what retention says is done, its words before its deeds."""
    status = seen.job.status
    if stalled_reason(seen.job) is not None:
        status = _told(seen, status, "Stalled", "False", Waiting("NotStalled", ""))
    kept = retention_of(seen)
    for kind, what in kept.told:
        status = _told(seen, status, kind, "True", what)
    status = _looked_at(status, seen.job.metadata.generation)
    more = bool(kept.told) or len(kept.remove) > seen.batch
    return Decision(
        status,
        retire=() if kept.remove else retire,
        remove=kept.remove[: seen.batch],
        again=more,
        within=kept.seconds,
    )


def _to_repeat(seen: Observed) -> TaskList | Refused:
    """The tasks of the round that is asked for; none where the list cannot be read, which acceptance then says."""
    retry = seen.job.spec.retry
    assert retry is not None
    if compacted(seen.job):  # guard: compacted-is-not-repeated
        return Refused(f"the job's records were removed after its retention: {NEW_JOB}", "RecordsCompacted")
    if len(seen.job.status.earlier_plans) >= MAX_EARLIER_PLANS:
        return Refused(f"{MAX_EARLIER_PLANS + 1} rounds are as many as a job may have: {NEW_JOB}", "TooManyRounds")
    plan = seen.job.status.plan
    if plan is not None and seen.profile is not None and seen.profile.hash != plan.profile_hash:
        said = "the pseudonymization profile is no longer the one that the job was planned with"
        return Refused(f"{said}: {NEW_JOB}", "InputChanged")
    if seen.job.spec.shutdown is not None:
        return Refused("spec.shutdown must be unset together with the new retry token")
    return TaskList() if seen.tasks is None else retry_tasks(seen, seen.tasks, retry.scope, retry.tasks)


def _opened(seen: Observed, tasks: TaskList, key_id: str | None) -> TransferJobStatus:
    """The status of the next round: its plan, and everything that spoke of the end taken back."""
    old = seen.job.status
    plan = next_plan(seen.job, tasks, key_id, seen.profile)
    totals = aggregate(seen.total, seen.sets, without_record="C", repeated=tasks.ids)
    standing = Standing(totals, plan=plan, suspend=seen.job.spec.suspend, retried=True)
    return report(seen, standing).model_copy(
        update={
            "observed_retry_token": plan.retry_token,
            "earlier_plans": (*old.earlier_plans, old.plan) if old.plan else old.earlier_plans,
            "completion_time": None,
        }
    )


def _refused(seen: Observed, refused: Refused) -> TransferJobStatus:
    """The token is used up, the finished round stays what it is, and the refusal is told."""
    retry = seen.job.spec.retry
    assert retry is not None
    told = _told(seen, seen.job.status, "Ready", "True", Waiting(refused.reason, refused.message))
    message = f"{refused.reason}: {refused.message}"[:MAX_MESSAGE]
    return told.model_copy(update={"observed_retry_token": retry.token, "message": message})


def _told(
    seen: Observed, old: TransferJobStatus, kind: str, status: ConditionStatus, what: Waiting
) -> TransferJobStatus:
    """A status with one condition told anew."""
    generation = seen.job.metadata.generation
    condition = Condition(
        type=kind,
        status=status,
        reason=what.reason,
        message=what.message[:MAX_MESSAGE],
        observed_generation=generation,
        last_transition_time=timestamp(seen.now),
    )
    told = old.model_copy(update={"conditions": with_condition(old.conditions, condition)})
    return _looked_at(told, generation)


def _looked_at(status: TransferJobStatus, generation: int) -> TransferJobStatus:
    """Every condition still holds of this generation: `kubectl wait` takes none of an earlier one."""
    conditions = tuple(one.model_copy(update={"observed_generation": generation}) for one in status.conditions)
    return status.model_copy(update={"conditions": conditions, "observed_generation": generation})
