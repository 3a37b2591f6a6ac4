"""Decide: from what was observed of one TransferJob to what is done about it. Pure: no clock, no network, no log.

A job is first planned, then followed round by round; a finished round is terminal until a new retry token opens
another.
"""

from adit_operator.after import after_the_end
from adit_operator.before import before_the_plan
from adit_operator.decision import Decision
from adit_operator.follow import follow
from adit_operator.observed import Observed, terminal


def decide(seen: Observed) -> Decision:
    """The next step for one TransferJob."""
    if terminal(seen.job):  # guard: finished-round-is-terminal
        return after_the_end(seen)
    if seen.job.status.plan is None:
        return before_the_plan(seen)
    return follow(seen)
