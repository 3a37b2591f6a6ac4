"""Idle: whether a look at a TransferJob could find anything to do; ten thousand finished ones are not read for nothing.

Pure.
"""

from collections.abc import Iterable
from datetime import datetime

from adit_operator.observed import SeenSet, SeenTransfer


def idle(transfer: SeenTransfer, sets: Iterable[SeenSet], now: datetime) -> bool:
    """Whether the job is over and told, nobody asks for another round, and nothing of it is to be removed now."""
    if not transfer.settled or (transfer.due is not None and transfer.due <= now):
        return False
    return not any(transfer.compacted or (seen.finished and seen.active) for seen in sets)
