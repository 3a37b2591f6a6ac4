"""Faults that a job outlives: each ends with every instance at the destination, and none twice in the record.

All begin at once, since some take as long as a lease: a job of its own tenant is in mid-study when its fault comes.
"""

import os
import signal
from collections.abc import Callable, Iterator
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
    reachable,
    runner_pods,
    stalls,
    under_way,
)
from tests.end_to_end.release import Release, Resident

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]  # where a lease must end first
AT_ONCE = 5
MANY = 12  # instances, of which some are still to come when the runner asks whether it may go on
Fault = Callable[[Resident, Resident], None]


def a_process_of_a_runner_is_killed(tenant: Resident, _: Resident) -> None:
    """As for want of memory: it cannot say that it ends, and is followed when its lease has ended."""
    under_way(tenant)
    [killed] = runner_pods(tenant)
    held = holder(tenant)
    os.kill(process_of(killed), signal.SIGKILL)
    assert tenant.arrived < tenant.expected

    all_there_once(tenant, seconds=110)

    outlasted(tenant, killed, held)


def a_pod_is_forced_away_while_its_runner_works_on(tenant: Resident, _: Resident) -> None:
    """The kubelet is stopped, as on a node that is cut off; the slot stays counted until the holder's lease ends."""
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


def a_pod_is_killed_without_grace(tenant: Resident, _: Resident) -> None:
    under_way(tenant)
    [killed] = runner_pods(tenant)
    tenant.release.kubectl("delete", "pod", killed, "--grace-period=0", "--force", "--wait=false")
    assert tenant.arrived < tenant.expected

    all_there_once(tenant, seconds=110)


def a_pod_is_deleted(tenant: Resident, _: Resident) -> None:
    under_way(tenant)
    [deleted] = runner_pods(tenant)

    tenant.release.kubectl("delete", "pod", deleted, "--wait=false")

    all_there_once(tenant)


def a_pacs_is_away_at_the_start(tenant: Resident, _: Resident) -> None:
    tenant.apply(*tenant.servers())
    with away(tenant.source):
        tenant.apply(manifests.job("night", tenant.load("a", "b")))
        tenant.until("night", "the source is told to be away", lambda: not reachable(tenant, "source"))
        assert tenant.status("night")["phase"] in {"Pending", "InProgress"}
        assert tenant.arrived == set()

    all_there_once(tenant)
    assert reachable(tenant, "source")


def a_pacs_goes_away_in_mid_study(tenant: Resident, _: Resident) -> None:
    under_way(tenant)
    with away(tenant.destination):
        tenant.until("night", "the destination is told to be away", lambda: not reachable(tenant, "destination"))
        tenant.until("night", "nobody works it", lambda: not tenant.holders())
    assert tenant.arrived < tenant.expected

    all_there_once(tenant)


def a_server_is_deleted_and_restored(tenant: Resident, _: Resident) -> None:
    under_way(tenant, delay=3.0, instances=MANY)
    tenant.kubectl("delete", "dicomserver", "source")
    stalls(tenant, "ServerMissing")
    assert len(tenant.arrived) < MANY  # its study was interrupted

    tenant.apply(*tenant.servers())

    all_there_once(tenant)
    assert not tenant.read("transferjob", "night")["spec"]["suspend"]


def a_grant_is_revoked_and_given_again(tenant: Resident, neighbour: Resident) -> None:
    grant = [{"namespaces": {"from": "Names", "names": [tenant.namespace]}, "roles": ["Source"]}]
    neighbour.apply(neighbour.server("lent", tenant.source, allowedConsumers=grant))
    under_way(tenant, delay=3.0, instances=MANY, source={"name": "lent", "namespace": neighbour.namespace})
    revoked = '{"spec":{"allowedConsumers":null}}'
    neighbour.kubectl("patch", "dicomserver", "lent", "--type=merge", "-p", revoked)
    stalls(tenant, "AccessDenied")
    assert len(tenant.arrived) < MANY  # its study was interrupted

    neighbour.apply(neighbour.server("lent", tenant.source, allowedConsumers=grant))

    all_there_once(tenant)


# The longest first.
ON_THE_NODE: tuple[Fault, ...] = (a_process_of_a_runner_is_killed, a_pod_is_forced_away_while_its_runner_works_on)
FAULTS: tuple[Fault, ...] = (
    *ON_THE_NODE,
    a_pacs_goes_away_in_mid_study,
    a_server_is_deleted_and_restored,
    a_grant_is_revoked_and_given_again,
    a_pod_is_killed_without_grace,
    a_pod_is_deleted,
    a_pacs_is_away_at_the_start,
)
TENANTS = len(FAULTS) + 1


def words(fault: Fault) -> str:
    return fault.__name__.replace("_", " ")


@pytest.fixture(scope="module")
def begun(
    request: pytest.FixtureRequest, release: Release, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Fault, Future[None]]]:
    """The faults that this session asks for."""
    calls = (getattr(item, "callspec", None) for item in request.session.items)
    asked = {call.params["fault"] for call in calls if call is not None and "fault" in call.params}
    with ExitStack() as opened, ThreadPoolExecutor(AT_ONCE) as pool:
        folder = tmp_path_factory.mktemp("faults")
        neighbour = resident(release, folder / "neighbour", opened)
        futures = {}
        for fault in FAULTS:
            if fault in asked and (release.kubernetes.node or fault not in ON_THE_NODE):
                tenant = resident(release, folder / fault.__name__, opened)
                futures[fault] = pool.submit(fault, tenant, neighbour)
        yield futures


@pytest.mark.parametrize("fault", FAULTS[::-1], ids=words)
def test_a_job_ends_well_although(fault: Fault, begun: dict[Fault, Future[None]]) -> None:
    if fault not in begun:
        pytest.skip("the processes of a node are within reach on the local cluster only: --cluster=local")
    begun[fault].result()
