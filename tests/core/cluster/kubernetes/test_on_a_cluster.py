"""What only a real API server can prove: persons and groups, accounts, and Leases that two clients want."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from adit.api.endpoint import Endpoint
from adit.cluster.cluster import Forbidden
from adit.cluster.connect import connected
from adit.cluster.kubernetes import KubernetesCluster, KubernetesLease, KubernetesSlots
from adit.cluster.kubernetes.connection import Call, Connection
from adit.cluster.kubernetes.credentials import ServiceAccount
from adit.cluster.kubernetes.slot import new_lease, slot_name, taken
from adit.cluster.slots import SlotsTaken
from adit.testing.kubernetes_contract import administrator, fresh_namespace
from tests.core.cluster.conftest import PreparedKubernetes

pytestmark = pytest.mark.cluster
PACS = Endpoint("pacs.example", 104, "PACS")
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces"


@pytest.fixture
async def admin(prepared_kubernetes: PreparedKubernetes) -> AsyncIterator[Connection]:
    async with administrator(prepared_kubernetes.kubeconfig) as connection:
        yield connection


@pytest.fixture
async def tenant(admin: Connection) -> AsyncIterator[str]:
    async with fresh_namespace(admin) as namespace:
        yield namespace


async def grant_reading(admin: Connection, namespace: str, subject: dict[str, str]) -> None:
    """Let somebody read the ConfigMaps of a namespace."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    role = {"metadata": {"name": "reader"}, "rules": rules}
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [subject],
    }
    await admin.call(Call("POST", f"{RBAC}/{namespace}/roles", "reader", body=role))
    await admin.call(Call("POST", f"{RBAC}/{namespace}/rolebindings", "reader", body=binding))


def lay_out_authority(kubeconfig: Path, path: Path) -> tuple[str, str]:
    """Write the cluster's authority as a pod has it; the cluster's host and port."""
    at = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    inline = at.get("certificate-authority-data")
    path.write_bytes(base64.b64decode(inline) if inline else Path(at["certificate-authority"]).read_bytes())
    url = urlsplit(at["server"])
    return str(url.hostname), str(url.port)


async def test_each_group_of_a_person_counts(admin: Connection, tenant: str) -> None:
    group = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "readers"}
    await grant_reading(admin, tenant, group)
    cluster = KubernetesCluster(admin)
    async with asyncio.timeout(10):  # the authorizer sees a binding a moment later
        while True:
            try:
                seen = await cluster.acting_as("anna", ("others", "readers")).list("ConfigMap", namespace=tenant)
                break
            except Forbidden:
                await asyncio.sleep(0.05)
    assert [item["metadata"]["name"] for item in seen.items if item["metadata"]["name"] != "kube-root-ca.crt"] == []
    for groups in ((), ("others",), ("readers,others",)):
        with pytest.raises(Forbidden, match="anna"):
            await cluster.acting_as("anna", groups).list("ConfigMap", namespace=tenant)


async def test_a_pods_account_has_its_own_rights(
    admin: Connection, tenant: str, prepared_kubernetes: PreparedKubernetes, tmp_path: Path
) -> None:
    account = f"/api/v1/namespaces/{tenant}/serviceaccounts/default/token"
    token = await admin.call(Call("POST", account, "token", body={"spec": {"expirationSeconds": 600}}))
    (tmp_path / "token").write_text(token["status"]["token"])
    host, port = lay_out_authority(prepared_kubernetes.kubeconfig, tmp_path / "ca.crt")
    async with KubernetesCluster.open(ServiceAccount(host, port, tmp_path)) as cluster:
        with pytest.raises(Forbidden, match=f"system:serviceaccount:{tenant}:default"):
            await cluster.list("Secret", namespace=tenant)


async def test_the_environment_leads_to_the_cluster(tenant: str, prepared_kubernetes: PreparedKubernetes) -> None:
    async with connected({"KUBECONFIG": str(prepared_kubernetes.kubeconfig)}) as (cluster, lease):
        assert isinstance(lease, KubernetesLease)
        assert (await cluster.list("TransferJob", namespace=tenant)).items == ()


async def test_two_clients_share_the_slots_of_an_endpoint(tenant: str, prepared_kubernetes: PreparedKubernetes) -> None:
    inside, most = 0, 0

    async def visit(slots: KubernetesSlots, name: str) -> None:
        nonlocal inside, most
        async with slots.acquire(PACS, 2, name, timeout=60.0):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.05)
            inside -= 1

    async with (
        administrator(prepared_kubernetes.kubeconfig) as one,
        administrator(prepared_kubernetes.kubeconfig) as two,
    ):
        both = [KubernetesCluster(connection).interactive_slots(tenant) for connection in (one, two)]
        await asyncio.gather(*(visit(both[number % 2], f"visitor {number}") for number in range(8)))
        assert most == 2
        async with both[0].acquire(PACS, 1, "anna"):
            with pytest.raises(SlotsTaken, match="anna"):
                async with both[1].acquire(PACS, 1, "bert", timeout=0.0):
                    pytest.fail("a second slot")


async def test_the_slot_of_the_dead_is_taken_over_and_kept(admin: Connection, tenant: str) -> None:
    cluster = KubernetesCluster(admin)
    dead = taken("dead #1", 2, datetime.now(UTC), changes_of_hands=0)
    await cluster.create(new_lease(slot_name(PACS, 0), tenant, PACS, dead))
    slots = KubernetesSlots(cluster, tenant, duration_seconds=2)
    with pytest.raises(SlotsTaken, match="dead"):
        async with slots.acquire(PACS, 1, "bert", timeout=0.0):
            pytest.fail("too early")
    async with slots.acquire(PACS, 1, "bert", timeout=5.0):
        await asyncio.sleep(2.5)  # longer than it lasts without being renewed
        lease = (await cluster.list("Lease", namespace=tenant)).items[0]
        assert lease["spec"]["holderIdentity"].startswith("bert")
        assert lease["spec"]["renewTime"] > lease["spec"]["acquireTime"]
