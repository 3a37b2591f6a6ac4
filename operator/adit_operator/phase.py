"""The phase: one word for people, derived and never branched on; the outcome follows ADIT's table. Pure."""

from adit.api.counts import TaskCounts
from adit.api.transfer_job import Phase
from adit_operator.standing import Standing


def phase_of(standing: Standing) -> Phase:
    """Where the job stands, in one word."""
    if standing.over:
        return outcome(standing.totals.tasks, shut_down=standing.shutdown)
    if standing.shutdown:
        return "Canceling"
    if standing.suspend and not standing.running:
        return "Suspended"
    return "InProgress" if standing.started else "Pending"


def outcome(tasks: TaskCounts, *, shut_down: bool) -> Phase:
    """The outcome over all tasks by their newest state.

    A shutdown that canceled something is Canceled; otherwise one failure makes it Failure, one warning Warning, and
    canceled tasks beside successful ones do not spoil a Success.
    """
    if shut_down and not tasks.total:
        return "Canceled"  # before its list could be read
    if tasks.canceled and (shut_down or not (tasks.failed or tasks.warned or tasks.succeeded)):
        return "Canceled"
    if tasks.failed:
        return "Failure"
    return "Warning" if tasks.warned else "Success"
