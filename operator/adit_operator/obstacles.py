"""Obstacles: why a job does not run now, each in one code and one sentence for people. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from adit_operator.observed import Waiting
from adit_operator.slots import Cap

MAX_BEFORE = 10
NOT_STARTING = "RunnerNotStarting"
# A runner that starts so shortly before the end of a window does nothing, and by its own clock it may be over already.
TOO_SHORT = timedelta(seconds=30)


def closed(need: Mapping[str, int], caps: Mapping[str, Cap], now: datetime, probe_seconds: float) -> Waiting | None:
    """What keeps a job from an endpoint whatever others do: nothing of it is given away."""
    for name, count in need.items():
        cap = caps.get(name, Cap(0))
        if cap.paused:
            return Waiting("ServerPaused", f"{name} is paused: set spec.paused of its DicomServer to false to go on")
        if not cap.opening.open:
            return Waiting("WindowClosed", f"{name} is outside its windows: {_opens(cap)}")
        if cap.opening.changes_at is not None and cap.opening.changes_at - now < TOO_SHORT:
            return Waiting("WindowClosed", f"{name} is outside its windows within {TOO_SHORT.seconds} s")
        if cap.unreachable is not None:
            asked = f"asked again every {probe_seconds:g} s"
            return Waiting("ServerUnreachable", f"{name} does not answer ({cap.unreachable}); {asked}")
        if count > cap.slots:
            return Waiting("CapTooSmall", f"a transfer takes {count} slots of {name}, and runners have {cap.slots}")
    return None


def taken(name: str, cap: Cap, *, before: int, promised: bool) -> Waiting:
    """All runner slots of an endpoint are in use; `before` jobs get one sooner."""
    room = "; one that runs makes room after its current task" if promised else ""
    return Waiting("WaitingForSlot", f"all {cap.slots} runner slots of {name} are taken{room}", before)


def parallelism_used(parallelism: int) -> Waiting:
    """The job runs as many sets as it may."""
    return Waiting("WaitingForSlot", f"its parallelism ({parallelism}) is used up")


def retry_due(due: datetime) -> Waiting:
    """Only tasks that wait for another attempt are left."""
    return Waiting("RetryDue", f"the next attempt is due at {due:%Y-%m-%d %H:%M:%S} UTC")


def not_starting(namespace: str, selector: str, *, ready: bool) -> Waiting:
    """A runner has been made, and does not begin."""
    what = "its runner's pod runs and does not begin its work" if ready else "its runner's pod does not start"
    return Waiting(NOT_STARTING, f"{what}: see {_asks(namespace, selector)}")


def not_started(namespace: str, selector: str) -> Waiting:
    """A runner did not begin, and was given up."""
    tried = "the last one did not start and was given up, another follows after a pause"
    return Waiting(NOT_STARTING, f"its runners do not start ({tried}): see {_asks(namespace, selector)}")


def _asks(namespace: str, selector: str) -> str:
    return f"kubectl describe jobs,pods --show-events -n {namespace} -l {selector}"  # of several it shows none else


def in_line(waiting: Waiting) -> str:
    """The sentence with the job's place; of a long line only that it is long, since that changes less often."""
    match waiting.before:
        case None:
            return waiting.message
        case 0:
            return f"{waiting.message}; it is the next"
        case 1:
            return f"{waiting.message}; 1 job is before it"
        case count if count < MAX_BEFORE:
            return f"{waiting.message}; {count} jobs are before it"
        case _:
            return f"{waiting.message}; {MAX_BEFORE} jobs or more are before it"


def _opens(cap: Cap) -> str:
    moment = cap.opening.changes_at
    if moment is None:
        return "it does not open within the next two weeks, look at spec.windows of its DicomServer"
    zones = dict.fromkeys(window.time_zone for windows in cap.windows for window in windows)
    return f"it opens at {', '.join(_told(moment, zones))}"


def _told(moment: datetime, zones: Iterable[str]) -> Iterable[str]:
    """The moment in UTC and on the wall of each zone that windows speak of."""
    yield f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    for zone in zones:
        if zone != "UTC":
            yield f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"
