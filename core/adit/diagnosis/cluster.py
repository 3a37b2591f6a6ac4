"""A Kubernetes cluster and ADIT in it, looked at in order: versions, operator, policies, rights, clock, servers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version as installed_version

from adit.api.resource import RESOURCES, DicomServer
from adit.cluster.cluster import Forbidden, Manifest, ObjectNotFound
from adit.cluster.kinds import DICOM_SERVER, KINDS, TRANSFER_JOB
from adit.cluster.kubernetes.cluster import KubernetesCluster
from adit.cluster.kubernetes.paths import collection_path
from adit.diagnosis import rights
from adit.diagnosis.api_server import ADMISSION, DEFINITIONS, OPERATOR, OURS, ApiServer
from adit.diagnosis.clock import compared
from adit.diagnosis.finding import Doing, Finding, Reports, note, problem, skipped
from adit.diagnosis.installation import environment_of, judge_lag, judge_operator, lagging
from adit.diagnosis.policies import judge_policies
from adit.diagnosis.server import Manner, Visit, examine_server
from adit.diagnosis.versions import judge_definitions, judge_kubernetes, minor_of
from adit.diagnosis.wanted import Wanted, chosen, this_program
from adit.errors import AditError, BadInput

AGAIN_SECONDS = 5.0
INSIDE_ENV, WATCHED_ENV = "ADIT_RUNNER_NAMESPACE", "ADIT_WATCH_NAMESPACES"
INSIDE = "kubectl exec -n {namespace} {deployment} -- python -m adit.diagnosis"


@dataclass(frozen=True, slots=True)
class _Look:
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
    def watched(self) -> tuple[str, ...]:
        """The namespaces that the operator around us watches; none: all of them."""
        return tuple(filter(None, (one.strip() for one in self.environ.get(WATCHED_ENV, "").split(","))))

    @property
    def spaces(self) -> tuple[str | None, ...]:
        """Where to look: what was asked for, else what the operator around us watches, else everywhere (None)."""
        if self.wanted.namespace is not None:
            return (self.wanted.namespace,)
        return self.watched if self.inside and self.watched else (None,)


async def examine_cluster(
    cluster: KubernetesCluster, wanted: Wanted, manner: Manner, environ: Mapping[str, str]
) -> Reports:
    """Everything, as far as the account may look. Ends early where the API server does not answer or knows no ADIT.

    Raises BadInput for a kubeconfig that cannot be read, and for a server that there is not.
    """
    server = ApiServer(cluster.connection)
    yield this_program()
    yield Doing("asks the API server for its version")
    try:
        look = _Look(server, wanted, environ, await server.read("/version") or {}, await server.date())
    except BadInput:
        raise
    except AditError as error:
        yield unreachable(error)
        return
    yield judge_kubernetes(look.version)
    yield compared("cluster", "the clock of the API server", look.sent, datetime.now(UTC))
    yield Doing("reads the definitions of adit.dev")
    definitions = [finding async for finding in _definitions(server)]
    for finding in definitions:
        yield finding
    if definitions[0].code != "DefinitionsMissing":
        async with aclosing(_installed(cluster, look, manner)) as reports:
            async for report in reports:
                yield report


def unreachable(error: AditError) -> Finding:
    """The API server does not answer, or not us."""
    return problem(
        "ClusterUnreachable",
        "cluster",
        error.message,
        cause="the address in the kubeconfig is wrong or out of date, the cluster is down, a firewall or VPN is in the "
        "way, or the credentials have run out",
        fix="kubectl version asks the same question; mend the kubeconfig until it answers",
    )


async def _installed(cluster: KubernetesCluster, look: _Look, manner: Manner) -> Reports:
    yield Doing("looks for the operator")
    deployments = None if look.inside else await _deployments(look.server, look.wanted)
    settings = dict(look.environ) if look.inside else environment_of(deployments[0]) if deployments else {}
    if look.inside:
        yield note("InsideThePod", "operator", "this runs in the operator's pod, with its account and its network")
    else:
        for finding in judge_operator(deployments, installed_version("adit-kubernetes")):
            yield finding
    yield await _lag(look)
    if deployments != []:  # else there is no chart to miss anything of
        for finding in await _policies(look):
            yield finding
    found, complaint = await _servers(cluster, look)
    yield Doing("asks what this account may do")
    for finding in await _rights(look, settings, found):
        yield finding
    if complaint is not None:
        yield complaint
    elif not look.inside:
        yield elsewhere(deployments)
    async with aclosing(_visits(cluster, look.wanted, manner, settings, found)) as reports:
        async for report in reports:
            yield report


async def _definitions(server: ApiServer) -> AsyncIterator[Finding]:
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


async def _deployments(server: ApiServer, wanted: Wanted) -> list[Manifest] | None:
    """Cluster-wide, or else where this account may look."""
    everywhere = await server.items("/apis/apps/v1/deployments", OPERATOR)
    if everywhere is not None:
        return everywhere
    for space in dict.fromkeys(filter(None, (wanted.namespace, "adit", "default"))):
        found = await server.items(f"/apis/apps/v1/namespaces/{space}/deployments", OPERATOR)
        if found:
            return found
    return None


async def _policies(look: _Look) -> list[Finding]:
    policies, bindings, stamps = [
        await look.server.items(f"{ADMISSION}/{kind}", OURS)
        for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies")
    ]
    return judge_policies(policies, bindings, stamps, minor_of(look.version))


async def _lag(look: _Look) -> Finding:
    try:
        now = parsedate_to_datetime(look.sent)
    except (TypeError, ValueError):
        now = datetime.now(UTC)
    jobs = await _jobs(look)
    if jobs is None:
        return skipped("JobsUnseen", "operator", "your account may not list transferjobs here", fix="give -n NAMESPACE")
    behind = lagging(jobs, now)
    if behind:
        await asyncio.sleep(AGAIN_SECONDS)  # a change of a moment ago is no lag
        behind = [one for one in lagging(await _jobs(look) or [], now) if one in set(behind)]
    return judge_lag(behind, len(jobs))


async def _jobs(look: _Look) -> list[Manifest] | None:
    """Some of the jobs; None where there is a namespace whose jobs may not be read."""
    lists = [await look.server.items(collection_path(TRANSFER_JOB, space), {}) for space in look.spaces]
    return None if None in lists else [job for jobs in lists for job in jobs or []]


async def _servers(cluster: KubernetesCluster, look: _Look) -> tuple[list[DicomServer], Finding | None]:
    try:
        listings = [await cluster.list(DICOM_SERVER.name, namespace=space) for space in look.spaces]
    except Forbidden:
        where = f"in {look.wanted.namespace}" if look.wanted.namespace else "everywhere"
        return [], skipped(
            "ServersUnseen",
            "servers",
            f"your account may not list dicomservers {where}",
            fix="give -n NAMESPACE, one that you may look into",
        )
    found = [DicomServer.read(one) for listing in listings for one in listing.items]
    return chosen(found, look.wanted), None


async def _rights(look: _Look, settings: Mapping[str, str], found: list[DicomServer]) -> list[Finding]:
    try:
        who = await look.server.who()
    except AditError as error:
        return [rights.unknown_rights(error.message)]
    if look.inside:
        needed = rights.of_the_operator(look.watched, settings[INSIDE_ENV])
        return [rights.judge_operator(who, await look.server.allowed(needed))]
    space = look.wanted.namespace or "default"
    places = [(one.metadata.namespace, one.metadata.name) for one in found]
    answers = await look.server.allowed(rights.of_a_user(space, places))
    return [*rights.judge_user(who, space, answers), *rights.judge_server_verbs(who, space, answers)]


def elsewhere(deployments: list[Manifest] | None) -> Finding:
    """That the network is another one here, and how to look from inside. Pure."""
    metadata = deployments[0]["metadata"] if deployments else {"namespace": "adit", "name": "adit-operator"}
    command = INSIDE.format(namespace=metadata.get("namespace", "adit"), deployment=f"deploy/{metadata['name']}")
    return note(
        "SeenFromHere",
        "servers",
        "are asked from this machine, whose network, firewall and address are not those of the runners",
        f"to look from inside: {command}",
    )


async def _visits(
    cluster: KubernetesCluster, wanted: Wanted, manner: Manner, settings: Mapping[str, str], found: list[DicomServer]
) -> Reports:
    """Each server, with the operator's AE title and its slots where they are known."""
    title = settings.get("CALLING_AE_TITLE") or manner.calling_ae_title
    slots = cluster.interactive_slots(settings.get(INSIDE_ENV, "adit")) if wanted.take_slots else None
    as_operator = Visit(cluster, slots, replace(manner, calling_ae_title=title))
    if not found:
        yield note("NoServers", "servers", "there is no DicomServer to look at")
    for server in found:
        async with aclosing(examine_server(server, as_operator)) as reports:
            async for report in reports:
                yield report
