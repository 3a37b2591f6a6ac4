"""Render what a runner reads: immutable Secrets in the runner namespace, named by their content. Pure.

One per server (with its credentials), folder, settings, profile and project key, so that jobs share them. A tenant
never sees a credential, and a runner never asks the API for one.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from adit.api import labels
from adit.api.model import Model
from adit.api.resource import DicomServer
from adit.cluster.cluster import Manifest
from adit.contract import (
    DESTINATION,
    FOLDER_FILE,
    KEY,
    KEY_FILE,
    PROFILE,
    PROFILE_FILE,
    RECEIVER,
    SERVER_FILE,
    SETTINGS,
    SETTINGS_FILE,
    SOURCE,
    RenderedFolder,
    RenderedServer,
    RunnerSettings,
)
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import Profile
from adit_operator.observed import SeenFolder

RENDERED_TYPE = "adit.dev/rendered"
RENDERED = "adit.dev/rendered"
HASH_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Peer:
    """A server with its credentials (contents by file) and one runner's share of its requests, as a runner uses it."""

    server: DicomServer
    credentials: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    requests_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """All that a runner of one job is given."""

    source: Peer
    destination: Peer | SeenFolder
    settings: RunnerSettings
    profile: Profile | None = None
    key: ProjectKey | None = None
    # the Secret of the receiver's key: mounted as it is, never copied
    receiver_key: str | None = None


def rendered(given: Given, namespace: str) -> Mapping[str, Manifest]:
    """The Secrets that a runner mounts, by volume."""
    secrets = {
        SOURCE: _peer(given.source, namespace),
        DESTINATION: _peer(given.destination, namespace)
        if isinstance(given.destination, Peer)
        else _folder(given.destination, namespace),
        SETTINGS: _secret("settings", {SETTINGS_FILE: _json(given.settings)}, namespace),
    }
    if given.profile is not None:
        document = json.dumps(given.profile.document(), sort_keys=True).encode()
        secrets[PROFILE] = _secret("profile", {PROFILE_FILE: document}, namespace)
    if given.key is not None:
        secrets[KEY] = _secret("key", {KEY_FILE: given.key.secret}, namespace)
    return secrets


def mounts_of(given: Given, secrets: Mapping[str, Manifest]) -> Mapping[str, str]:
    """The names of the Secrets that a runner mounts, by volume: the rendered ones, and the receiver's key."""
    names = {volume: str(secret["metadata"]["name"]) for volume, secret in secrets.items()}
    return names if given.receiver_key is None else {**names, RECEIVER: given.receiver_key}


def peers_hash(given: Given) -> str:
    """What would have to change for a refused runner to be let in: spec, annotations or credential of either end."""
    digest = hashlib.sha256()
    for end in (given.source, given.destination):
        if isinstance(end, Peer):
            digest.update(_json(end.server.spec))
            digest.update(json.dumps(end.server.metadata.annotations, sort_keys=True).encode())
            for name, content in sorted(end.credentials.items()):
                digest.update(name.encode())
                digest.update(content)
        else:
            digest.update(_json(end.spec))
    return digest.hexdigest()[:HASH_LENGTH]


def _peer(peer: Peer, namespace: str) -> Manifest:
    meta = peer.server.metadata
    value = RenderedServer(
        namespace=meta.namespace,
        name=meta.name,
        spec=peer.server.spec,
        requests_per_minute=peer.requests_per_minute,
    )
    return _secret("server", {SERVER_FILE: _json(value), **peer.credentials}, namespace)


def _folder(folder: SeenFolder, namespace: str) -> Manifest:
    value = RenderedFolder(namespace=folder.ref.namespace, name=folder.ref.name, spec=folder.spec)
    return _secret("folder", {FOLDER_FILE: _json(value)}, namespace)


def _json(value: Model) -> bytes:
    return json.dumps(value.manifest(), sort_keys=True).encode()


def _secret(what: str, files: Mapping[str, bytes], namespace: str) -> Manifest:
    data = {name: base64.b64encode(content).decode() for name, content in sorted(files.items())}
    digest = hashlib.sha256(json.dumps([what, data]).encode()).hexdigest()[:HASH_LENGTH]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"adit-{what}-{digest}",
            "namespace": namespace,
            "labels": {labels.MANAGED_BY: labels.MANAGED_BY_ADIT, RENDERED: what},
        },
        "type": RENDERED_TYPE,
        "immutable": True,
        "data": data,
    }
