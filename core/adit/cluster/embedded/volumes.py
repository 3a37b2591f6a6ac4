"""A pod's file system on one machine: secret and emptyDir volumes in a private folder, the environment pointing there.

A claim is not mounted: MOUNT_DIR is a plain folder here, and every pod sees it.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from adit.cluster.embedded.folder import private_folder
from adit.cluster.embedded.job_schema import CLAIM, container_of

Manifest = dict[str, Any]

# What a pod's process keeps of the node's own environment; an image would bring its own.
INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH"),
    *("PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_SHORTEST_PARENT = 3  # "/", "etc", "adit": a mount's parent below that is the machine's own


class NotReady(Exception):
    """A Secret or a key that the pod mounts does not exist yet; the message names it."""


@dataclass(frozen=True, slots=True)
class PodPlace:
    """Names and places of one pod."""

    name: str
    uid: str
    namespace: str
    folder: Path

    @property
    def root(self) -> Path:
        """What stands for `/` of the mounts."""
        return self.folder / "root"

    @property
    def temporary(self) -> Path:
        """Its own TMPDIR."""
        return self.folder / "tmp"


def mounted_secrets(job: Manifest) -> dict[str, bool]:
    """The names of the Secrets that the pod mounts, and whether it can do without."""
    secrets = [volume["secret"] for volume in _pod_spec(job).get("volumes", ()) if "secret" in volume]
    return {secret["secretName"]: bool(secret.get("optional")) for secret in secrets}


def lay_out(job: Manifest, place: PodPlace, secrets: Mapping[str, Manifest]) -> None:
    """Make the pod's folders (0700) and secret files (0600). Raises NotReady before anything is made, OSError."""
    volumes = {volume["name"]: volume for volume in _pod_spec(job).get("volumes", ())}
    mounts = [(mount, volumes[mount["name"]]) for mount in _private_mounts(job)]
    files = [(mount, _files(volume["secret"], secrets)) for mount, volume in mounts if "secret" in volume]
    for folder in (place.folder, place.root, place.temporary):
        private_folder(folder)
    for mount, _ in mounts:
        private_folder(place.root / mount["mountPath"][1:])
    for mount, contents in files:
        for path, content in contents.items():
            _write_private(place.root / mount["mountPath"][1:] / path, content)


def environment(job: Manifest, place: PodPlace, *, data: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of the pod's process: the container's own, with paths of mounts led to the private folder."""
    mounts = [PurePosixPath(mount["mountPath"]) for mount in _private_mounts(job)]
    fields = {"metadata.name": place.name, "metadata.namespace": place.namespace, "metadata.uid": place.uid}
    values = {name: inherited[name] for name in INHERITED if name in inherited}
    values |= {"PYTHONUNBUFFERED": "1", "TMPDIR": str(place.temporary), "ADIT_DATA": str(data)}
    values |= {"POD_NAME": place.name, "POD_UID": place.uid, "POD_NAMESPACE": place.namespace}
    for variable in container_of(job).get("env", ()):
        if "valueFrom" in variable:
            values[variable["name"]] = fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]
        else:
            values[variable["name"]] = _led(variable.get("value", ""), mounts, place.root)
    return values


def _led(value: str, mounts: list[PurePosixPath], root: Path) -> str:
    """A path at, below or just above a mount, as it is on this machine; any other value as it stands."""
    if not value.startswith("/") or "\n" in value:
        return value
    path = PurePosixPath(value)
    below = any(path.is_relative_to(mount) for mount in mounts)
    above = len(path.parts) >= _SHORTEST_PARENT and any(mount.is_relative_to(path) for mount in mounts)
    return str(root) + value if below or above else value


def _private_mounts(job: Manifest) -> list[Manifest]:
    claims = {volume["name"] for volume in _pod_spec(job).get("volumes", ()) if CLAIM in volume}
    return [mount for mount in container_of(job).get("volumeMounts", ()) if mount["name"] not in claims]


def _files(volume: Manifest, secrets: Mapping[str, Manifest]) -> dict[str, bytes]:
    """Path and content of every file of a secret volume. Raises NotReady."""
    name, optional = volume["secretName"], bool(volume.get("optional"))
    secret = secrets.get(name)
    if secret is None:
        if optional:
            return {}
        raise NotReady(f"Secret/{name} does not exist")
    data = secret.get("data", {})
    wanted = (
        {item["path"]: item["key"] for item in volume["items"]} if "items" in volume else {key: key for key in data}
    )
    missing = sorted(set(wanted.values()) - data.keys())
    if missing and not optional:
        raise NotReady(f"Secret/{name} has no key {missing[0]}")
    return {path: base64.b64decode(data[key]) for path, key in wanted.items() if key in data}


def _write_private(path: Path, content: bytes) -> None:
    private_folder(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _pod_spec(job: Manifest) -> Manifest:
    spec: Manifest = job["spec"]["template"]["spec"]
    return spec
