"""Access: is what a job needs still there and still granted? Asked at every look, and before a runner starts. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from adit.api.resource import DicomServer
from adit.cluster.kinds import Ref
from adit.policy import Protection, Request, Resource, Use, authorize
from adit_operator.observed import SeenFolder, Waiting

Ends = tuple[Ref, Ref]
UNREADABLE = frozenset({"ServerUnreadable", "FolderUnreadable"})


@dataclass(frozen=True, slots=True)
class There:
    """The servers and folders that there are; of one that cannot be read, the sentence that says why."""

    servers: Mapping[Ref, DicomServer]
    folders: Mapping[Ref, SeenFolder]
    unreadable: Mapping[Ref, str]


def withheld(namespace: str, profile: str | None, ends: Ends, there: There) -> Waiting | None:
    """Why a job of this namespace may start no runner: something is deleted, cannot be read, or is not granted."""
    return next(_refused(namespace, profile, ends, there), None)


def revoked(namespace: str, profile: str | None, ends: Ends, there: There) -> bool:
    """Whether an owner interrupts it; who only made something unreadable did not, and runners work on."""
    return any(one.reason not in UNREADABLE for one in _refused(namespace, profile, ends, there))


def _refused(namespace: str, profile: str | None, ends: Ends, there: There) -> Iterator[Waiting]:
    return chain(missing(ends, there), denied(namespace, profile, ends, there))


def missing(ends: Ends, there: There) -> Iterator[Waiting]:
    """What of source and destination is not there, or cannot be read."""
    for ref in ends:
        if ref in there.unreadable:
            reason = "ServerUnreadable" if ref.kind == "DicomServer" else "FolderUnreadable"
            sentence = f"{ref.kind} {ref.name} in namespace {ref.namespace} cannot be read: {there.unreadable[ref]}"
            yield Waiting(reason, sentence)
            continue
        sentence = f"there is no {ref.kind} {ref.name} in namespace {ref.namespace}: create it, or correct the name"
        if ref.kind == "DicomServer" and ref not in there.servers:
            yield Waiting("ServerMissing", sentence)
        if ref.kind == "DicomFolder" and ref not in there.folders:
            yield Waiting("FolderMissing", sentence)


def denied(namespace: str, profile: str | None, ends: Ends, there: There) -> Iterator[Waiting]:
    """What of source and destination its owner does not let this namespace use, as far as that was ever read."""
    servers, folders = there.servers, there.folders
    known = {ref for ref in ends if ref in servers or ref in folders or ref not in there.unreadable}
    source, destination = ends
    both = (source, Use(_resource(source), "Source")), (destination, Use(_resource(destination), "Destination"))
    uses = [use for ref, use in both if ref in known]
    grants = {_resource(ref): servers[ref].spec.allowed_consumers for ref in ends if ref in servers}
    grants |= {_resource(ref): folders[ref].spec.allowed_consumers for ref in ends if ref in folders}
    for denial in authorize(Request(namespace, protection(profile)), uses, grants):
        yield Waiting("AccessDenied", denial.message)


def protection(profile: str | None) -> Protection:
    """How data is protected on its way by the profile of this name, or by none."""
    return "Identified" if profile is None else "Pseudonymized"


def _resource(ref: Ref) -> Resource:
    return Resource("DicomServer" if ref.kind == "DicomServer" else "DicomFolder", ref.namespace, ref.name)
