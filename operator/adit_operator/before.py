"""Before the plan: accept the job, find its key, and write the plan of round 0 as the first thing of all. Pure."""

from dataclasses import dataclass

from adit_operator.accept import refusal
from adit_operator.aggregate import aggregate
from adit_operator.decision import Decision
from adit_operator.key import MakeKey, key_decision
from adit_operator.observed import Observed, Waiting
from adit_operator.plan import first_plan
from adit_operator.report import report
from adit_operator.standing import Standing

MEND_SECONDS = 15.0
UNSEEN = frozenset({"TasksMissing", "SecretNotLabelled"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job may run as it stands; with this key, if it pseudonymizes."""

    key_id: str | None = None
    mark_key: str | None = None


def acceptance(seen: Observed) -> Accepted | MakeKey | Waiting:
    """Whether the job may run now, needs its namespace's first key, or waits for a person."""
    refused = refusal(seen)
    if refused is not None:
        return refused
    if seen.job.spec.pseudonymization.profile is None:
        return Accepted()
    key = key_decision(seen.key)
    if isinstance(key, Waiting):
        return key
    if seen.refused is not None and (isinstance(key, MakeKey) or key.mark or seen.mapping):
        return seen.refused
    if isinstance(key, MakeKey):
        return key
    return Accepted(key.key.id, key.key.id if key.mark else None)


def seconds_to_mend(stalled: Waiting) -> float | None:
    """When to look again by ourselves: a Secret without our label is not watched, and cannot tell that it came."""
    return MEND_SECONDS if stalled.reason in UNSEEN else None


def before_the_plan(seen: Observed) -> Decision:
    """Plan an accepted job; one that was shut down before is canceled without having been planned."""
    spec = seen.job.spec
    if spec.shutdown is not None:
        nothing = aggregate(seen.total, (), without_record="C")
        status = report(seen, Standing(nothing, over=True, shutdown=True))
        token = spec.retry.token if spec.retry else None
        return Decision(status.model_copy(update={"observed_retry_token": token}))
    totals = aggregate(seen.total, ())
    match acceptance(seen):
        case MakeKey():
            return Decision(seen.job.status, make_key=True, again=True)
        case Waiting() as stalled:
            status = report(seen, Standing(totals, stalled=stalled, suspend=spec.suspend))
            return Decision(status, within=seconds_to_mend(stalled))
        case Accepted(key_id, mark_key):
            assert seen.tasks is not None  # an accepted job has its list
            plan = first_plan(seen.job, seen.tasks, key_id, seen.profile)
            status = report(seen, Standing(totals, plan=plan, suspend=spec.suspend))
            status = status.model_copy(update={"observed_retry_token": plan.retry_token})
            return Decision(status, mapping=seen.mapping, mark_key=mark_key, again=True)
