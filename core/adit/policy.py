"""May this data leave? Two fences, each one pure function, and the same for every exit.

The first is the owner's word: `authorize` asks whether a namespace may use a server or folder. The second is the
person's right: `may_leave` asks the verbs. The operator asks the first at every look; on Kubernetes the admission
policies ask the second of whoever writes a job or a profile. Exits that are no jobs ask both here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adit.api.access import Consumer, Role

# What happens to the data on its way: nothing, or a profile.
Protection = Literal["Identified", "Pseudonymized"]


# What a person may do, as RBAC and the policy file of one machine call it.
USE_DESTINATION, TRANSFER_IDENTIFIABLE, KEEP_PRIVATE = "use-destination", "transfer-identifiable", "keep-private"


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """A server or folder that has an owner."""

    kind: Literal["DicomServer", "DicomFolder"]
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Use:
    """One resource in one role."""

    resource: Resource
    role: Role


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks (a namespace), and how the data is protected."""

    namespace: str
    protection: Protection


@dataclass(frozen=True, slots=True)
class Denial:
    """The use that is not granted, and a sentence that tells a person what to do."""

    use: Use
    message: str


def authorize(
    request: Request, servers: Sequence[Use], grants: Mapping[Resource, Sequence[Consumer]]
) -> tuple[Denial, ...]:
    """Say what of `servers` the request may not use; empty means that all is granted.

    A namespace may always use what is its own. Anything else needs a grant of the owner (`allowedConsumers`) for the
    namespace and the role, and where the grant says `requirePseudonymization`, a profile.
    """
    denials = (_denial(request, use, grants.get(use.resource, ())) for use in servers)
    return tuple(denial for denial in denials if denial is not None)


def may_leave(protection: Protection, verbs: Collection[str], *, keeps_private: bool = False) -> bool:
    """Whether a person with these verbs on the destination may let data out; what is not known to be allowed is not.

    `keeps_private`: the profile keeps private elements that are on no list of safe ones (`needs_keep_private`).
    """
    return needed_to_leave(protection, keeps_private=keeps_private) <= frozenset(verbs)


def needed_to_leave(protection: Protection, *, keeps_private: bool = False) -> frozenset[str]:
    """The verbs without which data that is protected so may not leave."""
    identified = {TRANSFER_IDENTIFIABLE} if protection != "Pseudonymized" else set()
    return frozenset(identified | ({KEEP_PRIVATE} if keeps_private else set()) | {USE_DESTINATION})


def _denial(request: Request, use: Use, grants: Sequence[Consumer]) -> Denial | None:
    if use.resource.namespace == request.namespace:
        return None
    matching = [grant for grant in grants if _speaks_of(grant, request.namespace) and use.role in grant.roles]
    if not matching:
        return Denial(
            use,
            f"{use.resource} does not allow namespace {request.namespace} to use it as {use.role.lower()}: "
            "ask its owner to add the namespace to spec.allowedConsumers",
        )
    if any(not grant.require_pseudonymization for grant in matching) or request.protection == "Pseudonymized":
        return None
    return Denial(
        use,
        f"{use.resource} demands pseudonymization of namespace {request.namespace} (requirePseudonymization): "
        "the data stays identified",
    )


def _speaks_of(grant: Consumer, namespace: str) -> bool:
    """Whether a grant covers a foreign namespace; `Same` covers the owner's own only."""
    match grant.namespaces.origin:
        case "All":
            return True
        case "Names":
            return namespace in grant.namespaces.names
        case _:
            return False
