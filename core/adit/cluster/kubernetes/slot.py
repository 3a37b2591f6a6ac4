"""One interactive slot as a Lease: its name, what is written into it, and whether its holder stands still. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adit.api.endpoint import Endpoint
from adit.cluster.cluster import Manifest
from adit.cluster.kubernetes.paths import LEASE

# a hash of the endpoint, by which its Leases are selected
SLOT_OF = "adit.dev/slot-of"
# the endpoint in words, for people
ENDPOINT = "adit.dev/endpoint"
_LONGEST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Slot:
    """One Lease as last seen, and whether somebody still holds it."""

    index: int
    lease: Manifest
    held: bool

    @property
    def changes_of_hands(self) -> int:
        return _count(self.lease["spec"].get("leaseTransitions"))

    def __str__(self) -> str:
        spec = self.lease["spec"]
        return f"{spec.get('holderIdentity')} since {spec.get('acquireTime', 'an unknown time')}"


class Stillness:
    """Since when, by our clock, each held Lease has not changed."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[str, float]] = {}

    def slot(self, lease: Manifest, endpoint: Endpoint, now: float) -> Slot | None:
        """The slot that a Lease is; None for a Lease that is no slot of this endpoint."""
        name, version = lease["metadata"]["name"], lease["metadata"]["resourceVersion"]
        index = name.rpartition("-")[2]
        if not index.isdecimal() or len(index) > 6 or name != slot_name(endpoint, int(index)):  # noqa: PLR2004 - sane
            return None
        spec = lease.setdefault("spec", {})
        if not spec.get("holderIdentity"):
            self._since.pop(name, None)
            return Slot(int(index), lease, held=False)
        known, since = self._since.get(name, ("", now))
        if known != version:
            self._since[name] = (version, now)
            since = now
        promised = min(max(1, _count(spec.get("leaseDurationSeconds"))), _LONGEST_SECONDS)
        return Slot(int(index), lease, held=now - since < promised)


def slot_name(endpoint: Endpoint, index: int) -> str:
    """The Lease of an endpoint's n-th slot."""
    return f"adit-slot-{_digest(endpoint)}-{index}"


def slots_of(endpoint: Endpoint) -> dict[str, str]:
    """The labels that an endpoint's Leases carry."""
    return {SLOT_OF: _digest(endpoint)}


def new_lease(name: str, namespace: str, endpoint: Endpoint, spec: Manifest) -> Manifest:
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": slots_of(endpoint),
        "annotations": {ENDPOINT: str(endpoint)},
    }
    return {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata, "spec": spec}


def taken(identity: str, duration_seconds: int, now: datetime, *, changes_of_hands: int) -> Manifest:
    """What a new holder writes."""
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": duration_seconds,
        "acquireTime": _micro_time(now),
        "renewTime": _micro_time(now),
        "leaseTransitions": changes_of_hands,
    }


def renewed(now: datetime) -> Manifest:
    """What a holder writes while it holds."""
    return {"renewTime": _micro_time(now)}


def released() -> Manifest:
    """What a holder writes when it goes."""
    return {"holderIdentity": None}


def _digest(endpoint: Endpoint) -> str:
    return hashlib.sha256(str(endpoint).encode()).hexdigest()[:16]


def _micro_time(moment: datetime) -> str:
    """As metav1.MicroTime is written; `moment` is in UTC."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
