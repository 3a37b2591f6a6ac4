"""The project key of a namespace: when it is used, made, or missed. Pure; making it is the door's work.

A Secret (ANONYMIZATION_SEED is its name) holds 32 random bytes, a ConfigMap remembers that there was one.
"""

import base64
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from adit.api import labels
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit.errors import BadInput
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import Profile
from adit_operator.observed import KeySeen, SeenSecret, Waiting
from adit_operator.purpose import not_labelled

KEY_ENTRY = "key"
ID_ENTRY = "id"
PURPOSE_KEY = "key"


@dataclass(frozen=True, slots=True)
class UseKey:
    """The key is there; `mark` says that its marker is not yet."""

    key: ProjectKey
    mark: bool


@dataclass(frozen=True, slots=True)
class MakeKey:
    """Neither key nor any trace of one exists."""


def key_seen(
    ref: Ref, profile: Profile, secret: SeenSecret | None, marker: str | None, used: frozenset[str], *, own: str
) -> KeySeen:
    """What there is of the key that jobs of this profile take, under the name and the entry where it is looked for."""
    named = profile.spec.key_secret_ref
    if named is None:
        return KeySeen(secret, marker, used, ref.name, KEY_ENTRY, ref.namespace)
    return KeySeen(secret, None, used, ref.name, named.key, ref.namespace, profile.name, is_own=named.name == own)


def key_decision(seen: KeySeen) -> UseKey | MakeKey | Waiting:
    """Use the key, make one where neither it nor any trace of one exists, or say what a person must bring back."""
    traces = seen.used | ({seen.marker} if seen.marker else set())
    if seen.is_own:  # its marker and its traces would not be asked
        return Waiting(
            "KeyMissing",
            f"the profile {seen.profile} names Secret {seen.name}, the namespace's own key, as one of its own: leave "
            "spec.keySecretRef out of a new version of it",
        )
    if seen.secret is None:
        return _missing(seen, traces)
    if seen.secret.purpose != PURPOSE_KEY:
        field = (
            "ANONYMIZATION_SEED" if seen.profile is None else f"spec.keySecretRef of a new version of {seen.profile}"
        )
        return not_labelled(seen.secret, PURPOSE_KEY, f"Secret {seen.name} may not be read", field)
    try:
        key = ProjectKey(seen.secret.data.get(seen.entry, b""))
    except BadInput as error:
        return Waiting("KeyMissing", f"Secret {seen.name}: {error.message} (entry {seen.entry})")
    if traces - {key.id}:
        return Waiting(
            "KeyMissing",
            f"Secret {seen.name} holds key {key.id}, but data was pseudonymized with key "
            f"{_named(traces - {key.id})}: restore that one from your backup",
        )
    return UseKey(key, mark=seen.marker is None and seen.profile is None)


def marker_name(key_name: str) -> str:
    """The ConfigMap beside the Secret of this name."""
    return f"{key_name}-id"


def key_secret(namespace: str, name: str, key: bytes) -> Manifest:
    """The Secret of a new key; it belongs to nobody, so that nothing deletes it."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {labels.PURPOSE: PURPOSE_KEY, labels.MANAGED_BY: labels.MANAGED_BY_ADIT},
        },
        "type": "Opaque",
        "data": {KEY_ENTRY: base64.b64encode(key).decode()},
    }


def key_marker(namespace: str, name: str, key_id: str) -> Manifest:
    """The ConfigMap that remembers which key there was; the id does not tell the key."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": marker_name(name),
            "namespace": namespace,
            "labels": {labels.MANAGED_BY: labels.MANAGED_BY_ADIT},
        },
        "data": {ID_ENTRY: key_id},
    }


def _missing(seen: KeySeen, traces: AbstractSet[str]) -> MakeKey | Waiting:
    if traces:  # guard: key-never-made-twice
        return Waiting(
            "KeyMissing",
            f"Secret {seen.name} is gone, but data was pseudonymized with key {_named(traces)}: restore it from "
            "your backup, else the same patients would get other pseudonymous UIDs",
        )
    if seen.profile is not None:  # guard: named-key-is-not-made
        return Waiting("KeyMissing", _how_to_make(seen))
    return MakeKey()


def _how_to_make(seen: KeySeen) -> str:
    make = f"kubectl create secret generic -n {seen.namespace} {seen.name} --from-file={seen.entry}=/dev/stdin"
    label = f"kubectl label secret -n {seen.namespace} {seen.name} {labels.PURPOSE}={PURPOSE_KEY}"
    return (
        f"Secret {seen.name} is missing, which the profile {seen.profile} names (spec.keySecretRef): bring it from "
        f"where the key is kept, or make one (`head -c 32 /dev/urandom | {make} && {label}`), and keep a copy"
    )


def _named(ids: AbstractSet[str]) -> str:
    return ", ".join(sorted(ids))
