"""The steps of looking at a cluster: each reads what its judgement needs, as far as the account may."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException

from adit.api.resource import RESOURCES, DicomServer
from adit.cluster.cluster import Forbidden, Manifest, ObjectNotFound
from adit.cluster.kinds import DICOM_FOLDER, DICOM_SERVER, KINDS
from adit.cluster.kubernetes.cluster import KubernetesCluster
from adit.cluster.kubernetes.leadership import LEADER_OF
from adit.cluster.kubernetes.leadership import OPERATOR as OPERATOR_LEASE
from adit.cluster.kubernetes.paths import LEASE, collection_path, selector
from adit.diagnosis import rights
from adit.diagnosis.api_server import ADMISSION, DEFINITIONS, OPERATOR, OURS, ApiServer
from adit.diagnosis.finding import Finding, skipped
from adit.diagnosis.installation import judge_health, judge_lease
from adit.diagnosis.limits import within
from adit.diagnosis.policies import Policies, judge_policies
from adit.diagnosis.versions import judge_definitions, minor_of
from adit.diagnosis.wanted import Wanted, chosen
from adit.errors import AditError

HEALTH_SECONDS = 5.0
MAX_PROBE_BYTES = 64 * 1024
HEALTH_ENV = "ADIT_HEALTH_PORT"
INSIDE_ENV, WATCHED_ENV = "ADIT_RUNNER_NAMESPACE", "ADIT_WATCH_NAMESPACES"


@dataclass(frozen=True, slots=True)
class Look:
    """What every step needs; `sent` is the API server's Date header."""

    server: ApiServer
    wanted: Wanted
    environ: Mapping[str, str]
    version: Manifest
    sent: str

    @property
    def inside(self) -> bool:
        """Whether this runs in the operator's pod."""
        return bool(self.environ.get(INSIDE_ENV))

    @property
    def now(self) -> datetime:
        """By the API server's clock at the beginning, by which objects are dated."""
        try:
            return parsedate_to_datetime(self.sent)
        except (TypeError, ValueError):
            return datetime.now(UTC)

    @property
    def watched(self) -> tuple[str, ...]:
        """The namespaces that the operator around us watches; none: all of them."""
        return tuple(filter(None, (one.strip() for one in self.environ.get(WATCHED_ENV, "").split(","))))

    @property
    def spaces(self) -> tuple[str | None, ...]:
        """Where to look: what was asked for, else what the operator around us watches, else everywhere (None)."""
        if self.wanted.namespace is not None:
            return (self.wanted.namespace,)
        return self.watched if self.inside and self.watched else (None,)


async def look_at_definitions(server: ApiServer) -> AsyncIterator[Finding]:
    """Whether our definitions are there, and ours."""
    crds: dict[str, Manifest | None] = {}
    for kind in RESOURCES:
        try:
            crds[kind] = await server.read(f"{DEFINITIONS}/{KINDS[kind].plural}.{KINDS[kind].group}")
        except ObjectNotFound:
            crds[kind] = None
        else:
            if crds[kind] is None:
                yield await _served(server)
                return
    for finding in judge_definitions(crds):
        yield finding


async def _served(server: ApiServer) -> Finding:
    """For an account that may not read definitions: whether the API group is there at all."""
    try:
        await server.read("/apis/adit.dev/v1alpha1")
    except ObjectNotFound:
        return judge_definitions({})[0]
    return skipped(
        "DefinitionsUnseen",
        "cluster",
        "adit.dev/v1alpha1 is served; whether its definitions are those of this ADIT your account may not see",
    )


async def look_at_deployments(server: ApiServer, wanted: Wanted) -> list[Manifest] | None:
    """Cluster-wide, or else where this account may look."""
    everywhere = await server.items("/apis/apps/v1/deployments", OPERATOR)
    if everywhere is not None:
        return everywhere
    for space in dict.fromkeys(filter(None, (wanted.namespace, "adit", "default"))):
        found = await server.items(f"/apis/apps/v1/namespaces/{space}/deployments", OPERATOR)
        if found:
            return found
    return None


async def look_at_policies(look: Look) -> list[Finding]:
    """Whether the chart's policies are there, and deny."""
    kinds = (
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    )
    found = Policies(*[await look.server.items(f"{ADMISSION}/{kind}", OURS) for kind in kinds])
    return judge_policies(found, minor_of(look.version))


async def look_at_health(look: Look) -> list[Finding]:
    """In the operator's pod: what its own probe answers, which is when it last looked at everything."""
    port = look.environ.get(HEALTH_ENV, "8080")
    if not look.inside or not port.isdecimal() or port == "0":
        return []
    try:
        status, body = await within(HEALTH_SECONDS, lambda: _probe(int(port)))
    except (AditError, OSError, HTTPException) as error:
        return [judge_health(0, {}, str(error))]
    return [judge_health(status, body)]


def _probe(port: int) -> tuple[int, Mapping[str, object]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=HEALTH_SECONDS)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        text = answer.read(MAX_PROBE_BYTES)
    finally:
        connection.close()
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return answer.status, body if isinstance(body, dict) else {}


async def look_at_servers(cluster: KubernetesCluster, look: Look) -> tuple[list[DicomServer], list[Finding]]:
    """The servers that were asked for, and what is to be said of those that cannot be looked at."""
    try:
        listings = [await cluster.list(DICOM_SERVER.name, namespace=space) for space in look.spaces]
    except Forbidden:
        where = f"in {look.wanted.namespace}" if look.wanted.namespace else "everywhere"
        fix = "" if look.wanted.namespace else "give -n NAMESPACE, one that you may look into"
        return [], [skipped("ServersUnseen", "servers", f"your account may not list dicomservers {where}", fix)]
    return chosen([one for listing in listings for one in listing.items], look.wanted)


async def look_at_rights(look: Look, settings: Mapping[str, str], found: list[DicomServer]) -> list[Finding]:
    """What this account may do: in the operator's pod all that the operator needs, else what a user wants."""
    try:
        who = await look.server.who()
    except AditError as error:
        return [rights.unknown_rights(error.message)]
    if look.inside:
        needed = rights.of_the_operator(look.watched, settings[INSIDE_ENV])
        return [rights.judge_operator(who, await look.server.allowed(needed))]
    space = look.wanted.namespace or "default"
    places = [(one.metadata.namespace, one.metadata.name) for one in found]
    folders = await look.server.items(collection_path(DICOM_FOLDER, look.wanted.namespace), {}) or []
    shelves = [(one["metadata"]["namespace"], one["metadata"]["name"]) for one in folders]
    answers = await look.server.allowed(rights.of_a_user(space, places, shelves))
    return [*rights.judge_user(who, space, answers), *rights.judge_server_verbs(who, space, answers)]


async def look_at_lease(look: Look, settings: Mapping[str, str]) -> list[Finding]:
    """Of several operators, which one leads."""
    if settings.get("ADIT_LEADER_ELECTION", "").lower() != "true":
        return []
    path = collection_path(LEASE, settings.get(INSIDE_ENV, "adit"))
    name = settings.get("ADIT_LEASE_NAME", OPERATOR_LEASE)
    leases = await look.server.items(path, {"labelSelector": selector({LEADER_OF: name})})
    return [judge_lease(leases, look.now)]
