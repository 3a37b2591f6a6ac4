"""Access: is what a job needs still there and still granted? Asked at every look, and before a runner starts. Pure."""

from collections.abc import Iterator, Mapping
from itertools import chain

from adit.api.resource import DicomServer
from adit.cluster.kinds import Ref
from adit.policy import Protection, Request, Resource, Use, authorize
from adit.pseudonymization.profile import BUILT_IN
from adit_operator.observed import SeenFolder, Waiting

Ends = tuple[Ref, Ref]
Servers = Mapping[Ref, DicomServer]
Folders = Mapping[Ref, SeenFolder]


def withheld(namespace: str, profile: str | None, ends: Ends, servers: Servers, folders: Folders) -> Waiting | None:
    """Why an owner keeps a job of this namespace from running, and interrupts it: deleted, or not granted."""
    refused = chain(missing(ends, servers, folders), denied(namespace, profile, ends, servers, folders))
    return next(refused, None)


def missing(ends: Ends, servers: Servers, folders: Folders) -> Iterator[Waiting]:
    """What of source and destination is not there."""
    for ref in ends:
        sentence = f"there is no {ref.kind} {ref.name} in namespace {ref.namespace}: create it, or correct the name"
        if ref.kind == "DicomServer" and ref not in servers:
            yield Waiting("ServerMissing", sentence)
        if ref.kind == "DicomFolder" and ref not in folders:
            yield Waiting("FolderMissing", sentence)


def denied(namespace: str, profile: str | None, ends: Ends, servers: Servers, folders: Folders) -> Iterator[Waiting]:
    """What of source and destination its owner does not let this namespace use."""
    source, destination = ends
    uses = [Use(_resource(source), "Source"), Use(_resource(destination), "Destination")]
    grants = {_resource(ref): servers[ref].spec.allowed_consumers for ref in ends if ref in servers}
    grants |= {_resource(ref): folders[ref].spec.allowed_consumers for ref in ends if ref in folders}
    for denial in authorize(Request(namespace, protection(profile)), uses, grants):
        yield Waiting("AccessDenied", denial.message)


def protection(profile: str | None) -> Protection:
    """How data is protected on its way by the profile of this name, or by none."""
    known = BUILT_IN.get(profile) if profile is not None else None
    if known is None:
        return "Identified"
    return "FitForPatients" if known.fit_for_patients else "Pseudonymized"


def _resource(ref: Ref) -> Resource:
    return Resource("DicomServer" if ref.kind == "DicomServer" else "DicomFolder", ref.namespace, ref.name)
