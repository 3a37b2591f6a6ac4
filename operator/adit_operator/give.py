"""Give: put together what a runner of a job is given, from what is observed. Pure; nothing where a piece is missing."""

from collections.abc import Mapping

from adit.api.resource import DicomServer
from adit.cluster.kinds import Ref
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import Profile
from adit_operator.credentials import Secrets, credential_files
from adit_operator.key import UseKey, key_decision
from adit_operator.observed import KeySeen, SeenFolder
from adit_operator.rate import request_share
from adit_operator.receiver import may_be_moved_from
from adit_operator.render import Given, Peer
from adit_operator.settings import OperatorSettings


def given(
    source: Ref,
    destination: Ref,
    profile: Profile | None,
    *,
    servers: Mapping[Ref, DicomServer],
    folders: Mapping[Ref, SeenFolder],
    secrets: Secrets,
    key: KeySeen,
    settings: OperatorSettings,
) -> Given | None:
    """All that a runner is given; None where a server, folder, credential or key is not there.

    `servers` are all that there are: those of one endpoint share its limits.
    """
    start = _peer(source, servers, secrets)
    end = folders.get(destination) if destination.kind == "DicomFolder" else _peer(destination, servers, secrets)
    if start is None or end is None:
        return None
    moved = may_be_moved_from(start.server.spec) and settings.receiver is not None
    told = settings.for_runners(receiver=moved)
    receiver_key = settings.receiver_key_secret if moved else None
    if profile is None:
        return Given(start, end, told, receiver_key=receiver_key)
    project_key = _key(key)
    return Given(start, end, told, profile, project_key, receiver_key) if project_key is not None else None


def _key(seen: KeySeen) -> ProjectKey | None:
    decision = key_decision(seen)
    return decision.key if isinstance(decision, UseKey) else None


def _peer(ref: Ref, servers: Mapping[Ref, DicomServer], secrets: Secrets) -> Peer | None:
    server = servers.get(ref)
    if server is None:
        return None
    share = request_share(server.spec, servers.values())
    files = credential_files(ref, server, secrets)
    return Peer(server, files, share) if files is not None else None
