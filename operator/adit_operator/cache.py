"""The watch-fed cache of projections: what gather and admission read instead of a thousand bodies.

Events may come late, twice or in any order: an older version never replaces a newer one, a deleted UID never returns.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

import structlog

from adit.api.references import SecretRef
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit.errors import BadInput
from adit_operator.observed import SeenFolder, SeenJob, SeenSecret, SeenSet, SeenTransfer
from adit_operator.project import (
    dicom_server_of,
    profile_of,
    seen_folder,
    seen_job,
    seen_secret,
    seen_set,
    seen_transfer,
)

if TYPE_CHECKING:
    from adit.api.resource import DicomServer
    from adit.pseudonymization.profile import Profile

log = structlog.get_logger()
# Where a new version of them cannot be read, the last one that could holds for runners at work, and for limits.
KEPT = frozenset({"DicomServer", "DicomFolder"})
MAX_TOMBSTONES = 100_000

_PROJECTIONS: dict[str, Callable[[Manifest], Any]] = {
    "TransferJob": seen_transfer,
    "TaskSet": seen_set,
    "Job": seen_job,
    "DicomServer": dicom_server_of,
    "DicomFolder": seen_folder,
    "PseudonymizationProfile": profile_of,
    "Secret": seen_secret,
}


class Cache:
    """Projections by name, TransferJobs also by UID, and sets and Jobs also by the UID of their owner.

    A TaskSet that names a TransferJob of another namespace as its owner is nobody's: whoever may write there made it.
    """

    def __init__(self) -> None:
        self.transfers: dict[Ref, SeenTransfer] = {}
        self.sets: dict[Ref, SeenSet] = {}
        self.jobs: dict[Ref, SeenJob] = {}
        self.servers: dict[Ref, DicomServer] = {}
        self.folders: dict[Ref, SeenFolder] = {}
        self.profiles: dict[Ref, Profile] = {}
        self.secrets: dict[Ref, SeenSecret] = {}
        # the ids that ConfigMaps remember, by namespace: written once, never changed
        self.markers: dict[str, str] = {}
        # objects of ours that cannot be read, with the sentence that says why
        self.unreadable: dict[Ref, str] = {}
        self._versions: dict[Ref, tuple[str, int]] = {}
        # who was deleted, and up to which version
        self._deleted: OrderedDict[str, float] = OrderedDict()
        self._by_uid: dict[str, Ref] = {}
        self._key_ids: defaultdict[tuple[str, SecretRef | None], Counter[str]] = defaultdict(Counter)
        self._owned: dict[str, dict[str, set[Ref]]] = {"TaskSet": defaultdict(set), "Job": defaultdict(set)}

    def sets_of(self, owner_uid: str) -> tuple[SeenSet, ...]:
        """The TaskSets whose controlling owner has this UID, in the order of their work."""
        seen = (self.sets[ref] for ref in self._owned["TaskSet"].get(owner_uid, ()))
        return tuple(sorted(seen, key=lambda one: (one.round, one.index)))

    def jobs_of(self, owner_uid: str) -> tuple[SeenJob, ...]:
        """The Jobs that work for the TransferJob with this UID."""
        return tuple(sorted((self.jobs[ref] for ref in self._owned["Job"].get(owner_uid, ())), key=lambda j: j.ref))

    def key_ids(self, namespace: str, secret: SecretRef | None = None) -> frozenset[str]:
        """Every id that a TransferJob of this namespace was planned with: of its own key, or of one in a Secret."""
        return frozenset(self._key_ids.get((namespace, secret), ()))

    def transfer_of(self, uid: str | None) -> Ref | None:
        """The TransferJob of this UID, if there is one that can be read."""
        return self._by_uid.get(uid or "")

    def uids(self, kind: str) -> frozenset[str]:
        """The UIDs of everything of a kind that is there, whether it can be read or not."""
        return frozenset(uid for ref, (uid, _) in self._versions.items() if ref.kind == kind)

    def put(self, manifest: Manifest) -> bool:
        """Take in one version of an object, from a watch or as the answer to our own write; True if it was news."""
        ref, uid, version = Ref.of(manifest), manifest["metadata"].get("uid", ""), _version(manifest)
        if version < self._deleted.get(uid, 0):  # guard: deleted-stays-deleted
            return False
        known = self._versions.get(ref)
        if known is not None and version <= known[1]:  # guard: older-never-replaces-newer
            return False
        before = self._table(ref.kind).get(ref) if ref.kind in KEPT and known is not None and known[0] == uid else None
        self._versions[ref] = (uid, version)
        self._drop(ref)
        try:
            projection = _PROJECTIONS[ref.kind](manifest)
        except BadInput as error:
            log.warning("an object that cannot be read is left out", reason=error.message)
            self.unreadable[ref] = error.message
            projection = before
        if projection is not None:
            self._take(ref, projection)
        return True

    def _take(self, ref: Ref, projection: Any) -> None:
        if isinstance(projection, SeenSet) and self._elsewhere(projection):
            projection = replace(projection, owner_uid=None)
        self._table(ref.kind)[ref] = projection
        self._index(ref, projection)
        if isinstance(projection, SeenTransfer):
            self._by_uid[projection.uid] = ref
            if projection.key_id is not None:
                self._key_ids[ref.namespace, projection.key_secret_ref][projection.key_id] += 1
            for one in [self.sets[own] for own in self._owned["TaskSet"].get(projection.uid, ())]:
                if self._elsewhere(one):  # it was seen before its alleged owner was
                    self._drop(one.ref)
                    self._take(one.ref, one)

    def _elsewhere(self, seen: SeenSet) -> bool:
        """Whether a set names an owner that lives in another namespace, which no garbage collector would accept."""
        owner = self.transfer_of(seen.owner_uid)
        return owner is not None and owner.namespace != seen.ref.namespace  # guard: owner-in-its-namespace

    def remove(self, manifest: Manifest) -> bool:
        """Forget an object that was deleted, or lost the labels that we watch for."""
        ref, uid = Ref.of(manifest), manifest["metadata"].get("uid", "")
        known = self._versions.get(ref)
        self._bury(ref, uid, _version(manifest))
        if known is None or known[0] != uid:
            return False
        self.forget(ref)
        return True

    def _bury(self, ref: Ref, uid: str, version: int) -> None:
        """Remember who is gone for good; a Secret only as it was, since one that lost its label may get it back."""
        self._deleted[uid] = version if ref.kind == "Secret" else inf
        while len(self._deleted) > MAX_TOMBSTONES:
            self._deleted.popitem(last=False)

    def forget(self, ref: Ref) -> None:
        """Drop what is not there any more, whatever its UID was."""
        self._versions.pop(ref, None)
        self._drop(ref)

    def replace(
        self, kind: str, manifests: Iterable[Manifest], version: str, *, purpose: str | None = None
    ) -> tuple[Ref, ...]:
        """Take in a listing: what it does not hold is gone (of Secrets, those of one purpose). Answers what changed."""
        listed = {Ref.of(manifest): manifest for manifest in manifests}
        changed = [ref for ref, manifest in listed.items() if self.put(manifest)]
        stale = [
            ref
            for ref, (_, seen) in self._versions.items()
            if ref.kind == kind and ref not in listed and seen <= int(version or 0) and self._of(ref, purpose)
        ]
        for ref in stale:
            self._bury(ref, *self._versions[ref])
            self.forget(ref)
        return (*changed, *stale)

    def _of(self, ref: Ref, purpose: str | None) -> bool:
        return purpose is None or (ref in self.secrets and self.secrets[ref].purpose == purpose)

    def _table(self, kind: str) -> dict[Ref, Any]:
        tables: dict[str, dict[Ref, Any]] = {
            "TransferJob": self.transfers,
            "TaskSet": self.sets,
            "Job": self.jobs,
            "DicomServer": self.servers,
            "DicomFolder": self.folders,
            "PseudonymizationProfile": self.profiles,
            "Secret": self.secrets,
        }
        return tables[kind]

    def _index(self, ref: Ref, projection: Any) -> None:
        if ref.kind in self._owned and projection.owner_uid:
            self._owned[ref.kind][projection.owner_uid].add(ref)

    def _drop(self, ref: Ref) -> None:
        self.unreadable.pop(ref, None)
        old = self._table(ref.kind).pop(ref, None)
        if isinstance(old, SeenTransfer):
            self._by_uid.pop(old.uid, None)
            if old.key_id is not None:
                # what nobody names any more is gone from it
                self._key_ids[ref.namespace, old.key_secret_ref] -= Counter((old.key_id,))
        if old is not None and ref.kind in self._owned and old.owner_uid:
            owned = self._owned[ref.kind]
            owned[old.owner_uid].discard(ref)
            if not owned[old.owner_uid]:
                del owned[old.owner_uid]


def _version(manifest: Manifest) -> int:
    """A resourceVersion as a number: comparable by Kubernetes' own word since 1.35, and always so in etcd and here."""
    return int(manifest["metadata"].get("resourceVersion") or 0)
