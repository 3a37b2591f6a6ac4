"""Opening hours: the runner stops itself when the window of a server closes, whether or not the operator is there."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from adit.api.task_set import Stop
from adit.api.window import Window
from adit.contract import RenderedServer
from adit.windows import FORESIGHT, Opening, opening, opening_of_all
from adit_jobrunner.config import Config

# A clock may be set, and a machine may sleep: no longer than this passes between two looks at it.
LONGEST_SLEEP = 15.0


@dataclass(frozen=True, slots=True)
class Hours:
    """When both ends of a TaskSet may be worked with: the windows of each server, by its name."""

    servers: tuple[tuple[str, tuple[Window, ...]], ...] = ()

    def opening(self, now: datetime) -> Opening:
        """Open while both are; the first to close closes both."""
        return opening_of_all((windows for _, windows in self.servers), now)

    def closed(self, now: datetime) -> str:
        """In words whose window is closed and when there is work again; empty where nobody's is."""
        names = dict.fromkeys(name for name, windows in self.servers if not opening(windows, now).open)
        if not names:
            return ""
        again = self.opening(now).changes_at
        when = (
            f"the work can go on at {again:%Y-%m-%d %H:%M} UTC"
            if again is not None
            else f"within {FORESIGHT.days} days there is no moment at which both servers are open"
        )
        return f"the window of {' and '.join(names)} has closed; {when}"


def hours_of(config: Config) -> Hours:
    """The windows that were rendered for source and destination; a folder is always open."""
    ends = (config.source, config.destination)
    return Hours(tuple((end.name, end.spec.windows) for end in ends if isinstance(end, RenderedServer)))


async def keep_hours(
    hours: Hours,
    now: Callable[[], datetime],
    stop: Callable[[Stop, str], None],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Wait for the end of this opening and say stop: after the task in hand, or now where that end is hard."""
    seen = hours.opening(now())
    while seen.changes_at is not None or not seen.open:
        moment = now()
        current = hours.opening(moment)
        if not current.open:
            stop("Now" if seen.open and seen.hard else "AfterTask", hours.closed(moment))
            return
        seen = current
        if seen.changes_at is not None:
            await sleep(min(LONGEST_SLEEP, (seen.changes_at - moment).total_seconds()))
