"""The receiver of the installation: which sources need it, and the key that runners and it prove themselves with.

The key's Secret is mounted by its name into the receiver and into the runners that need it, and never read here.
"""

import base64
import secrets
from collections.abc import Callable
from contextlib import suppress

import structlog

from adit.api import labels
from adit.api.dicom_server import DicomServerSpec
from adit.cluster.cluster import Cluster, Conflict, Manifest, ObjectNotFound
from adit.cluster.kinds import Ref
from adit.contract import RECEIVER_KEY_FILE
from adit.errors import BadInput
from adit.transmit.access import KEY_BYTES
from adit_operator.settings import OperatorSettings

log = structlog.get_logger()


def may_be_moved_from(spec: DicomServerSpec) -> bool:
    """Whether images may come from this server by C-MOVE: its runner is told of the receiver then."""
    return spec.dimse is not None and spec.dimse.move and "CMove" in spec.retrieve_order


def sends_itself(source: DicomServerSpec, destination: DicomServerSpec | None, *, pseudonymized: bool) -> bool:
    """Whether the source may send to the destination without us in between, which needs no receiver."""
    if destination is None or pseudonymized or source.dimse is None or not may_be_moved_from(source):
        return False
    return destination.ae_title in source.dimse.move_destinations


def receiver_key(namespace: str, name: str, key: bytes) -> Manifest:
    """The Secret of a new key. It carries no purpose, so that nobody can name it as a credential or project key."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {labels.MANAGED_BY: labels.MANAGED_BY_ADIT},
        },
        "type": "Opaque",
        "data": {RECEIVER_KEY_FILE: base64.b64encode(key).decode()},
    }


async def receiver_key_of(cluster: Cluster, settings: OperatorSettings) -> bytes:
    """The key, made where it is missing: for a program that starts the receiver itself. Raises BadInput."""
    await ensure_receiver_key(cluster, settings)
    ref = Ref("Secret", settings.runner_namespace, settings.receiver_key_secret)
    key = base64.b64decode((await cluster.get(ref)).get("data", {}).get(RECEIVER_KEY_FILE, ""))
    if len(key) != KEY_BYTES:
        raise BadInput(f"{ref} holds no key of {KEY_BYTES} bytes: delete it, and it is made anew")
    return key


async def ensure_receiver_key(
    cluster: Cluster, settings: OperatorSettings, random: Callable[[int], bytes] = secrets.token_bytes
) -> None:
    """Make the key where there is a receiver and no key yet; one that is there is left as it is, for ever.

    Raises what the API answers.
    """
    if settings.receiver is None:
        return
    ref = Ref("Secret", settings.runner_namespace, settings.receiver_key_secret)
    try:
        await cluster.get(ref)
    except ObjectNotFound:
        with suppress(Conflict):  # somebody else made it meanwhile
            await cluster.create(receiver_key(ref.namespace, ref.name, random(KEY_BYTES)))
            log.info("made the key of the receiver", secret=str(ref))
