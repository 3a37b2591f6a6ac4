"""Profiles: which one a job means by its name: one that is built in, else an object of its own namespace. Pure."""

from collections.abc import Mapping

from adit.cluster.kinds import Ref
from adit.pseudonymization.profile import BUILT_IN, Profile
from adit_operator.observed import Waiting

KIND = "PseudonymizationProfile"


def profile_named(name: str | None, namespace: str, profiles: Mapping[Ref, Profile]) -> Profile | None:
    """The profile of a job of this namespace; None where it names none, or none that there is.

    A built-in one is never looked for among the objects: whoever may write there would change what the name means.
    """
    if name is None or name in BUILT_IN:
        return BUILT_IN.get(name or "")
    return profiles.get(Ref(KIND, namespace, name))


def not_found(name: str, namespace: str, profiles: Mapping[Ref, Profile], unreadable: str | None) -> Waiting:
    """What a person is told of a profile that a job names and that is not there, or that cannot be read."""
    if unreadable is not None:
        return Waiting("ProfileNotFound", f"{KIND} {name} in namespace {namespace} cannot be read: {unreadable}")
    there = ", ".join(sorted(ref.name for ref in profiles if ref.namespace == namespace))
    return Waiting(
        "ProfileNotFound",
        f"there is no pseudonymization profile {name}: built in are {', '.join(sorted(BUILT_IN))}, "
        f"namespace {namespace} has {there or 'none of its own'}",
    )
