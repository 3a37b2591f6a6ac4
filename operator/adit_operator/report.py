"""Report: the TransferJob's status from where it stands; the only place that a status is put together. Pure."""

from adit.api.transfer_job import TransferJobStatus
from adit_operator.clock import timestamp
from adit_operator.conditions import conditions_of, message_of
from adit_operator.observed import Observed
from adit_operator.phase import phase_of
from adit_operator.standing import Standing


def report(seen: Observed, standing: Standing) -> TransferJobStatus:
    """The new status: what stands, on top of what only earlier looks knew (plans, tokens, times)."""
    old, generation, now = seen.job.status, seen.job.metadata.generation, timestamp(seen.now)
    phase = phase_of(standing)
    return old.model_copy(
        update={
            "observed_generation": generation,
            "conditions": conditions_of(old.conditions, standing, phase, generation=generation, now=now),
            "phase": phase,
            "message": message_of(standing, phase),
            "plan": standing.plan,
            "tasks": standing.totals.tasks,
            "instances": standing.totals.instances,
            "bytes": standing.totals.bytes,
            "failure_summary": standing.totals.failures,
            "start_time": old.start_time or (now if standing.started else None),
            "completion_time": now if standing.over else None,
        }
    )
