"""C-MOVE through the installed chart: a PACS that does nothing else sends to the receiver's node port."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from adit_cli.testing import manifests
from adit_cli.testing.manifests import Manifest
from tests.cluster.node import ADDRESS
from tests.end_to_end.faults import all_there_once, process_of, runner_pods
from tests.end_to_end.gate import gate
from tests.end_to_end.release import Release, Resident
from tests.end_to_end.tenant import until

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),  # where a pod is replaced twice
]

TITLE = "ADIT"
RECEIVER = "app.kubernetes.io/component=receiver"


def node_port(release: Release) -> int:
    service = json.loads(release.kubectl("get", "service", "adit-receiver", "-o", "json"))
    return int(service["spec"]["ports"][0]["nodePort"])


def the_pod(release: Release) -> str:
    """The name of the receiver's pod, once it is ready."""
    release.kubectl("rollout", "status", "deployment/adit-receiver", "--timeout=80s")
    [pod] = [one for one in release.pods(RECEIVER) if "deletionTimestamp" not in one["metadata"]]
    return str(pod["metadata"]["name"])


@pytest.fixture
def moving(tenant: Resident) -> Iterator[Resident]:
    """A tenant whose source knows the receiver, as a PACS does: by AE title, host and port."""
    the_pod(tenant.release)
    port = node_port(tenant.release)

    def dial() -> socket.socket:
        return tenant.kubernetes.in_network(lambda: socket.create_connection((ADDRESS, port), timeout=10))

    with gate(dial) as here:
        tenant.source.destinations[TITLE] = ("127.0.0.1", here)
        yield tenant


def move_only(tenant: Resident) -> tuple[Manifest, Manifest]:
    source, destination = tenant.servers()
    source["spec"]["dimse"] |= {"get": False, "move": True}
    return source, destination


def test_studies_come_by_c_move_and_the_receiver_is_killed_in_the_midst_of_them(moving: Resident) -> None:
    """kill -9 of its process, then its pod is deleted: nothing is lost, and nothing is there twice."""
    tenant = moving
    tenant.source.faults = replace(tenant.source.faults, delay_per_instance=0.2)
    studies = tenant.load("a", "b", "c", instances=8)
    tenant.apply(*move_only(tenant), manifests.job("night", studies, parallelism=1))
    tenant.until("night", "an instance has arrived", lambda: tenant.arrived)
    assert runner_pods(tenant)
    os.kill(process_of(the_pod(tenant.release), b"adit_receiver"), signal.SIGKILL)
    before = len(tenant.arrived)
    tenant.until("night", "it goes on", lambda: len(tenant.arrived) > before, seconds=90)
    tenant.release.kubectl("delete", "pod", the_pod(tenant.release), "--wait=false")

    all_there_once(tenant, seconds=100)


def test_the_receivers_key_is_in_no_tenants_namespace(tenant: Resident) -> None:
    until("the key is there", lambda: tenant.release.kubectl("get", "secrets", "-o", "name").count("receiver-key"))
    assert "receiver" not in tenant.kubectl("get", "secrets", "-o", "name")
