"""The first fence: may this namespace use this server or folder, by the word of its owner? One pure function.

Operator, gateway, downloads, upload and CLI ask the same question here. What a *person* may do is the second fence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from adit.api.access import Consumer, Role

# What happens to the data on its way: nothing, or a profile.
Protection = Literal["Identified", "Pseudonymized"]


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
