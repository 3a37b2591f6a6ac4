"""Accept: may this job run as it stands? References, credentials, capabilities, grants, tasks and profile. Pure."""

from collections.abc import Iterator

from adit.api.dicom_server import DicomServerSpec
from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit.api.transfer_job import validate_transfer_job
from adit.cluster.kinds import Ref
from adit.credentials import PURPOSE_CREDENTIAL, secret_entries
from adit_operator.access import There, denied, missing
from adit_operator.observed import Observed, Waiting
from adit_operator.project import resolve
from adit_operator.purpose import not_labelled
from adit_operator.receiver import may_be_moved_from, sends_itself

MAX_NAMED_PROBLEMS = 5


def refusals(seen: Observed) -> Iterator[Waiting]:
    """Why the job cannot run until a person acts, most fundamental first; nothing when it is accepted."""
    yield from _unresolved(seen)
    yield from _invalid_tasks(seen)
    if seen.no_profile is not None:
        yield seen.no_profile
    yield from _not_granted(seen)  # guard: grants-at-every-reconcile
    yield from _credentials(seen)
    yield from _incapable(seen)
    if seen.unlisted is not None:
        yield seen.unlisted


def refusal(seen: Observed) -> Waiting | None:
    """The first reason why the job cannot run, if there is one."""
    return next(refusals(seen), None)


def ends_of(seen: Observed) -> tuple[Ref, Ref]:
    """Source and destination of the job."""
    namespace = seen.job.metadata.namespace
    return resolve(seen.job.spec.source, namespace), resolve(seen.job.spec.destination, namespace)


def there(seen: Observed) -> There:
    """What is known of source and destination."""
    return There(seen.servers, seen.folders, seen.unreadable_ends)


def servers_of(seen: Observed) -> Iterator[tuple[Ref, DicomServer]]:
    """The servers among source and destination, in that order."""
    for ref in ends_of(seen):
        if ref in seen.servers:
            yield ref, seen.servers[ref]


def _unresolved(seen: Observed) -> Iterator[Waiting]:
    return missing(ends_of(seen), there(seen))


def _invalid_tasks(seen: Observed) -> Iterator[Waiting]:
    """Of tasks that are planned this was asked already, and they cannot change; for a retry the profile may have."""
    plan, profile = seen.job.status.plan, seen.profile
    asked = plan is not None and (profile is None or profile.hash == plan.profile_hash)
    source = profile.spec.pseudonym_source if profile is not None else None
    problems = [] if asked else validate_transfer_job(seen.job.spec, source)
    if problems:
        more = f"; and {len(problems) - MAX_NAMED_PROBLEMS} more" if len(problems) > MAX_NAMED_PROBLEMS else ""
        yield Waiting("InvalidTasks", "; ".join(problems[:MAX_NAMED_PROBLEMS]) + more)


def _not_granted(seen: Observed) -> Iterator[Waiting]:
    namespace, profile = seen.job.metadata.namespace, seen.job.spec.pseudonymization.profile
    return denied(namespace, profile, ends_of(seen), there(seen))


def _credentials(seen: Observed) -> Iterator[Waiting]:
    for ref, server in servers_of(seen):
        for one in secret_entries(server.spec):
            secret = seen.secrets.get(Ref("Secret", ref.namespace, one.secret))
            for_whom = f"the {one.what} of DicomServer {ref.name}"
            where = f"Secret {one.secret} in namespace {ref.namespace}"
            if secret is None:
                yield Waiting("SecretMissing", f"{where} is missing ({for_whom}): create it")
            elif secret.purpose != PURPOSE_CREDENTIAL:
                refused = f"{where} may not be read as {for_whom}"
                yield not_labelled(secret, PURPOSE_CREDENTIAL, refused, one.field)
            elif one.key not in secret.data:
                yield Waiting("SecretMissing", f"{where} has no key {one.key} ({for_whom}): add it")


def _incapable(seen: Observed) -> Iterator[Waiting]:
    source, destination = ends_of(seen)
    if source in seen.servers:
        yield from _cannot_be_source(source.name, seen.servers[source].spec, received=_received(seen))
    if destination in seen.servers:
        yield from _cannot_be_destination(destination.name, seen.servers[destination].spec)
    endpoints = [endpoint_of(server.spec) for _, server in servers_of(seen)]
    if len(endpoints) == 2 and endpoints[0] == endpoints[1] and seen.slots.get(str(endpoints[0]), 2) < 2:  # noqa: PLR2004  # source and destination
        yield Waiting(
            "CapTooSmall",
            f"source and destination are one endpoint ({endpoints[0]}) with one slot for runners, and a transfer takes "
            "two: raise spec.limits.maxAssociations of the DicomServer to 3",
        )


def _received(seen: Observed) -> bool:
    """Whether what a C-MOVE brings would be taken in: by the receiver, or by the destination itself."""
    source, destination = (seen.servers[ref].spec if ref in seen.servers else None for ref in ends_of(seen))
    if seen.receiver or source is None:
        return seen.receiver
    return sends_itself(source, destination, pseudonymized=seen.job.spec.pseudonymization.profile is not None)


def _cannot_be_source(name: str, spec: DicomServerSpec, *, received: bool) -> Iterator[Waiting]:
    if not _can_find(spec):
        yield Waiting(
            "CapabilityMissing", f"source {name} can neither C-FIND nor QIDO-RS: set dimse.find or dicomweb.qido"
        )
    ways = {
        "CGet": spec.dimse is not None and spec.dimse.get,
        "Wado": spec.dicomweb is not None and spec.dicomweb.wado,
        "CMove": may_be_moved_from(spec) and received,
    }
    if any(ways[method] for method in spec.retrieve_order):
        return
    if may_be_moved_from(spec):
        yield Waiting(
            "ReceiverMissing",
            f"source {name} gives images away by C-MOVE only, and there is no receiver to send them to: switch on "
            "receiver.enabled of the chart (adit run: set ADIT_RECEIVER_PORT), and register its AE title with the PACS",
        )
        return
    yield Waiting(
        "CapabilityMissing",
        f"source {name} gives no image away: its retrieveOrder names no supported C-GET, WADO-RS or C-MOVE",
    )


def _cannot_be_destination(name: str, spec: DicomServerSpec) -> Iterator[Waiting]:
    ways = {
        "CStore": spec.dimse is not None and spec.dimse.store,
        "Stow": spec.dicomweb is not None and spec.dicomweb.stow,
    }
    if not any(ways[method] for method in spec.store_order):
        yield Waiting(
            "CapabilityMissing",
            f"destination {name} takes no image: its storeOrder names no supported C-STORE or STOW-RS",
        )
    if spec.verification.method in {"Instances", "Counts"} and not _can_find(spec):
        yield Waiting(
            "VerificationImpossible",
            f"destination {name} cannot be asked what it holds: set dimse.find or dicomweb.qido, or another "
            "verification.method than " + spec.verification.method,
        )


def _can_find(spec: DicomServerSpec) -> bool:
    return (spec.dimse is not None and bool(spec.dimse.find)) or (spec.dicomweb is not None and spec.dicomweb.qido)
