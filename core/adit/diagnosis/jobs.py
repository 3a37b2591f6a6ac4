"""Whether the operator looks at the jobs: read page by page, and of each page only what lags is kept."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from adit.cluster.cluster import Expired, Forbidden, Manifest
from adit.cluster.kinds import TRANSFER_JOB
from adit.cluster.kubernetes.paths import collection_path
from adit.diagnosis.finding import Finding, skipped
from adit.diagnosis.installation import Lag, judge_lag, lagging

if TYPE_CHECKING:
    from adit.diagnosis.inspection import Look

AGAIN_SECONDS = 5.0
# A TransferJob with its list of tasks has up to 400 KB, and an answer is taken up to 8 MB.
PAGE_JOBS, MOST_JOBS = 20, 2_000


async def look_at_lag(look: "Look", again_seconds: float = AGAIN_SECONDS) -> Finding:
    """Whether the operator has looked at the jobs as they are."""
    try:
        lag = await _lag(look)
        if lag.behind:
            await asyncio.sleep(again_seconds)  # a change of a moment ago is no lag
            again = await _lag(look)
            lag = Lag(tuple(one for one in again.behind if one in set(lag.behind)), lag.seen, more=lag.more)
    except Forbidden:
        return skipped("JobsUnseen", "operator", "your account may not list transferjobs here")
    return judge_lag(lag)


async def _lag(look: "Look") -> Lag:
    behind: list[tuple[str, str]] = []
    seen, more = 0, False
    for space in look.spaces:
        try:
            async for jobs in _pages(look, space):
                behind += lagging(jobs, look.now)
                seen += len(jobs)
                if more := seen >= MOST_JOBS:
                    break
        except Expired:
            more = True
        if more:
            break
    return Lag(tuple(behind), seen, more=more)


async def _pages(look: "Look", space: str | None) -> AsyncIterator[list[Manifest]]:
    """The jobs of a namespace or of all. Raises Forbidden, and Expired where the pages ran out of time."""
    token = ""
    while True:
        jobs, token = await look.server.page(collection_path(TRANSFER_JOB, space), PAGE_JOBS, token)
        yield jobs
        if not token:
            return
