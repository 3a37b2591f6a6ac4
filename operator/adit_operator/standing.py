"""Where a TransferJob stands after one look: the facts that its phase, conditions and message are told from."""

from dataclasses import dataclass

from adit.api.transfer_job import Plan
from adit_operator.aggregate import Totals
from adit_operator.observed import Waiting


@dataclass(frozen=True, slots=True)
class Standing:
    """Facts of one reconcile; `over` says that the newest round is finished and nothing of it may change."""

    totals: Totals
    plan: Plan | None = None
    over: bool = False
    started: bool = False
    running: int = 0
    finished_sets: int = 0
    suspend: bool = False
    shutdown: bool = False
    stalled: Waiting | None = None
    waiting: Waiting | None = None
    refused_retry: str | None = None
    waiting_retry: bool = False
    retried: bool = False
