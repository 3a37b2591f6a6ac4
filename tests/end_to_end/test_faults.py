"""Faults that a job outlives: each ends with every instance at the destination, and none twice in the record."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from adit_cli.testing import manifests
from tests.end_to_end.conftest import resident
from tests.end_to_end.faults import (
    all_there_once,
    away,
    holder,
    outlasted,
    process_of,
    runner_pods,
    stalls,
    under_way,
)
from tests.end_to_end.release import Release, Resident

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]  # where a lease must end first


@pytest.fixture(scope="module", autouse=True)
def slow(
    request: pytest.FixtureRequest, release: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """What takes as long as a lease begins with the first test, beside all others; by the name of the test."""
    names = {getattr(item, "originalname", "") for item in request.session.items}
    with ExitStack() as opened, ThreadPoolExecutor(len(SLOW)) as pool:
        begun = {}
        for name in sorted(names & set(SLOW)) if release.kubernetes.node else ():
            tenant = resident(release, tmp_path_factory.mktemp("slow"), opened)
            begun[name] = pool.submit(SLOW[name], tenant)
        yield begun


def kill(tenant: Resident) -> None:
    under_way(tenant)
    [killed] = runner_pods(tenant)
    held = holder(tenant)
    os.kill(process_of(killed), signal.SIGKILL)
    assert tenant.arrived < tenant.expected

    all_there_once(tenant, seconds=110)

    outlasted(tenant, killed, held)


def force_away(tenant: Resident) -> None:
    """Its kubelet is stopped, as on a node that is cut off: the pod is deleted, but its process moves images."""
    under_way(tenant, limits={"maxAssociations": 1, "reservedInteractive": 0}, parallelism=2)
    [forced] = runner_pods(tenant)
    process, kubelet = process_of(forced), tenant.kubernetes.program("kubelet")
    os.kill(kubelet, signal.SIGSTOP)
    try:
        arrived = len(tenant.arrived)
        tenant.release.kubectl("delete", "pod", forced, "--grace-period=0", "--force", "--wait=false")
        tenant.until("night", "it works on unseen", lambda: len(tenant.arrived) > arrived)
        held = holder(tenant)
        os.kill(process, signal.SIGSTOP)  # so that it cannot say that it ends
        assert len(tenant.release.jobs_of(tenant.namespace)) == 1
        assert tenant.read("dicomserver", "destination")["status"]["allocated"] == 1
    finally:
        os.kill(kubelet, signal.SIGCONT)

    all_there_once(tenant, seconds=110)

    outlasted(tenant, forced, held)
    assert tenant.destination.peak_associations == 1


SLOW = {
    "test_a_runner_whose_process_is_killed_is_followed_when_its_lease_has_ended": kill,
    "test_a_slot_stays_counted_until_the_lease_of_a_runner_that_was_forced_away_ends": force_away,
}


def test_a_pod_that_is_killed_without_grace_in_mid_study_is_followed(tenant: Resident) -> None:
    under_way(tenant)
    [killed] = runner_pods(tenant)
    tenant.release.kubectl("delete", "pod", killed, "--grace-period=0", "--force", "--wait=false")
    assert tenant.arrived < tenant.expected

    all_there_once(tenant, seconds=110)


def test_a_runner_that_is_deleted_hands_its_study_over(tenant: Resident) -> None:
    under_way(tenant)
    [deleted] = runner_pods(tenant)

    tenant.release.kubectl("delete", "pod", deleted, "--wait=false")

    all_there_once(tenant)


def test_a_job_waits_for_a_pacs_that_is_away_at_the_start(tenant: Resident) -> None:
    tenant.apply(*tenant.servers())
    with away(tenant.source):
        tenant.apply(manifests.job("night", tenant.load("a", "b")))
        tenant.until("night", "the source is told to be away", lambda: not reachable(tenant, "source"))
        assert tenant.status("night")["phase"] in {"Pending", "InProgress"}
        assert tenant.arrived == set()

    all_there_once(tenant)
    assert reachable(tenant, "source")


def test_a_job_waits_for_a_pacs_that_goes_away_in_mid_study(tenant: Resident) -> None:
    under_way(tenant)
    with away(tenant.destination):
        tenant.until("night", "the destination is told to be away", lambda: not reachable(tenant, "destination"))
        tenant.until("night", "nobody works it", lambda: not tenant.holders())
    assert tenant.arrived < tenant.expected

    all_there_once(tenant)


def reachable(tenant: Resident, name: str) -> bool:
    """What the server's condition says; where there is none yet, that it is."""
    found = tenant.read("dicomserver", name).get("status", {}).get("conditions", ())
    return all(one["status"] == "True" for one in found if one["type"] == "Reachable")


def test_a_job_whose_server_is_deleted_stops_now_and_goes_on_when_it_is_restored(tenant: Resident) -> None:
    under_way(tenant)
    tenant.kubectl("delete", "dicomserver", "source")
    stalls(tenant, "ServerMissing")
    assert tenant.arrived < tenant.expected

    tenant.apply(*tenant.servers())

    all_there_once(tenant)
    assert not tenant.read("transferjob", "night")["spec"]["suspend"]


def test_a_job_whose_grant_is_revoked_stops_now_and_goes_on_when_it_is_given_again(
    tenant: Resident, neighbour: Resident
) -> None:
    grant = [{"namespaces": {"from": "Names", "names": [tenant.namespace]}, "roles": ["Source"]}]
    neighbour.apply(neighbour.server("lent", tenant.source, allowedConsumers=grant))
    under_way(tenant, source={"name": "lent", "namespace": neighbour.namespace})
    revoked = '{"spec":{"allowedConsumers":null}}'
    neighbour.kubectl("patch", "dicomserver", "lent", "--type=merge", "-p", revoked)
    stalls(tenant, "AccessDenied")
    assert tenant.arrived < tenant.expected

    neighbour.apply(neighbour.server("lent", tenant.source, allowedConsumers=grant))

    all_there_once(tenant)


def test_a_runner_whose_process_is_killed_is_followed_when_its_lease_has_ended(
    slow: dict[str, Future[None]], request: pytest.FixtureRequest
) -> None:
    end_of(slow, request)


def test_a_slot_stays_counted_until_the_lease_of_a_runner_that_was_forced_away_ends(
    slow: dict[str, Future[None]], request: pytest.FixtureRequest
) -> None:
    end_of(slow, request)


def end_of(slow: dict[str, Future[None]], request: pytest.FixtureRequest) -> None:
    if request.node.name not in slow:
        pytest.skip("the processes of a node are within reach on the local cluster only")
    slow[request.node.name].result()
