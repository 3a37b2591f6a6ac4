"""A Kubernetes cluster and ADIT in it, looked at in order: versions, operator, policies, rights, clock, servers."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version as installed_version

from adit.api.resource import DicomServer
from adit.cluster.cluster import Manifest
from adit.cluster.kubernetes.cluster import KubernetesCluster
from adit.diagnosis.api_server import ApiServer
from adit.diagnosis.clock import compared
from adit.diagnosis.finding import Doing, Finding, Reports, note, problem
from adit.diagnosis.inspection import (
    INSIDE_ENV,
    Look,
    look_at_definitions,
    look_at_deployments,
    look_at_health,
    look_at_lease,
    look_at_policies,
    look_at_rights,
    look_at_servers,
)
from adit.diagnosis.installation import environment_of, judge_operator
from adit.diagnosis.jobs import look_at_lag
from adit.diagnosis.receiver import look_at_receiver
from adit.diagnosis.server import Manner, Visit, examine_server
from adit.diagnosis.versions import judge_kubernetes
from adit.diagnosis.wanted import Wanted, this_program
from adit.errors import AditError, BadInput

INSIDE = "kubectl exec -n {namespace} {deployment} -- python -m adit.diagnosis"


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
        look = Look(server, wanted, environ, await server.read("/version") or {}, await server.date())
    except BadInput:
        raise
    except AditError as error:
        yield unreachable(error)
        return
    yield judge_kubernetes(look.version)
    yield compared("cluster", "the clock of the API server", look.sent, datetime.now(UTC))
    yield Doing("reads the definitions of adit.dev")
    definitions = [finding async for finding in look_at_definitions(server)]
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


async def _operator(look: Look, deployments: list[Manifest] | None, settings: Mapping[str, str]) -> list[Finding]:
    """The operator, and the policies that came with it."""
    shown = [] if look.inside else judge_operator(deployments, installed_version("adit-kubernetes"))
    works = [*await look_at_health(look), *await look_at_lease(look, settings), await look_at_lag(look)]
    if deployments == []:  # there is no chart to miss anything of
        return [*shown, *works]
    return [*shown, *works, *await look_at_policies(look)]


async def _installed(cluster: KubernetesCluster, look: Look, manner: Manner) -> Reports:
    yield Doing("looks for the operator")
    deployments = None if look.inside else await look_at_deployments(look.server, look.wanted)
    settings = dict(look.environ) if look.inside else environment_of(deployments[0]) if deployments else {}
    if look.inside:
        yield note("InsideThePod", "operator", "this runs in the operator's pod, with its account and its network")
    for finding in await _operator(look, deployments, settings):
        yield finding
    found, complaints = await look_at_servers(cluster, look)
    yield Doing("asks what this account may do")
    for finding in await look_at_rights(look, settings, found):
        yield finding
    for finding in complaints:
        yield finding
    for finding in await look_at_receiver(look.server, settings, settings.get(INSIDE_ENV, "adit"), found):
        yield finding
    if not found and not complaints:
        yield note("NoServers", "servers", "there is no DicomServer to look at")
    if found and not look.inside:
        yield elsewhere(deployments)
    async with aclosing(_visits(cluster, look.wanted, manner, settings, found)) as reports:
        async for report in reports:
            yield report


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
    for server in found:
        async with aclosing(examine_server(server, as_operator)) as reports:
            async for report in reports:
                yield report
