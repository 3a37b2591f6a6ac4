"""Give: put together what a runner of a job is given, from what is observed. Pure; nothing where a piece is missing."""

from collections.abc import Callable, Mapping

from adit.api.resource import DicomServer
from adit.cluster.kinds import Ref
from adit.contract import RunnerSettings
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import BUILT_IN
from adit_operator.accept import credential_of
from adit_operator.key import UseKey, key_decision
from adit_operator.observed import KeySeen, SeenFolder, SeenSecret
from adit_operator.rate import request_share
from adit_operator.render import Given, Peer

Secrets = Callable[[Ref], SeenSecret | None]


def given(
    source: Ref,
    destination: Ref,
    profile: str | None,
    *,
    servers: Mapping[Ref, DicomServer],
    folders: Mapping[Ref, SeenFolder],
    secrets: Secrets,
    key: KeySeen,
    settings: RunnerSettings,
) -> Given | None:
    """All that a runner is given; None where a server, folder, credential, profile or key is not there.

    `servers` are all that there are: those of one endpoint share its limits.
    """
    start = _peer(source, servers, secrets)
    end = folders.get(destination) if destination.kind == "DicomFolder" else _peer(destination, servers, secrets)
    if start is None or end is None:
        return None
    if profile is None:
        return Given(start, end, settings)
    project_key = _key(key)
    if profile not in BUILT_IN or project_key is None:
        return None
    return Given(start, end, settings, BUILT_IN[profile], project_key)


def _key(seen: KeySeen) -> ProjectKey | None:
    decision = key_decision(seen)
    return decision.key if isinstance(decision, UseKey) else None


def _peer(ref: Ref, servers: Mapping[Ref, DicomServer], secrets: Secrets) -> Peer | None:
    server = servers.get(ref)
    if server is None:
        return None
    share = request_share(server.spec, servers.values())
    wanted = credential_of(ref, server)
    if wanted is None:
        return Peer(server, requests_per_minute=share)
    secret = secrets(wanted[0])
    if secret is None or secret.purpose != "credential" or wanted[1] not in secret.data:
        return None
    return Peer(server, secret.data[wanted[1]], share)
