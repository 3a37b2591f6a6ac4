"""A Decision: all that one reconcile wants to change, as values; see `apply` for the order."""

from dataclasses import dataclass, field

from adit.api.task_set import Stop, Verdict
from adit.api.transfer_job import TransferJobStatus
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit_operator.observed import SeenSet


@dataclass(frozen=True, slots=True)
class VerdictWrite:
    """A verdict on a set as it was seen: it must not land on a newer version of the set."""

    seen: SeenSet
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class StopWrite:
    """What a set is told; `eviction`: why, where it makes room for others."""

    seen: SeenSet
    stop: Stop | None
    eviction: str | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Servers that a runner could not reach, and its sentence."""

    servers: tuple[Ref, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Removal:
    """An object that the operator made, or a job whose time is up: deleted only while it has this UID.

    With `resource_version` only while it is as it was seen: nobody asked for a retry meanwhile, or marked it as theirs.
    """

    ref: Ref
    uid: str
    resource_version: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """When a job must be looked at again, in seconds from now."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one TransferJob; `again` asks for another look at once: this step makes the next possible.

    `within`: another look in so many seconds, since then time itself changes what is decided.
    """

    status: TransferJobStatus
    unreachable: tuple[Unreachable, ...] = ()
    proved: frozenset[Ref] = field(default_factory=frozenset)
    make_key: bool = False
    # Secrets that must be there before the plan: who got which pseudonym
    mapping: tuple[Manifest, ...] = field(default=(), repr=False)
    mark_key: str | None = None
    verdicts: tuple[VerdictWrite, ...] = ()
    stops: tuple[StopWrite, ...] = ()
    create: tuple[Manifest, ...] = ()
    retire: tuple[SeenSet, ...] = ()
    remove: tuple[Removal, ...] = ()
    again: bool = False
    within: float | None = None
