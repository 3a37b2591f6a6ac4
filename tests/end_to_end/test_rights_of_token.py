"""What a runner's token may do: it is bound to a pod, and the policies know a pod's TaskSet by the pod's name."""

import json
from collections.abc import AsyncIterator

import pytest
import yaml

from adit.cluster.cluster import Forbidden
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.credentials import KubeConfig
from tests.end_to_end import house as houses
from tests.end_to_end.house import OTHER_SET, POD, SET, House
from tests.end_to_end.release import Release

pytestmark = pytest.mark.cluster
PROGRESS = {"runner": {"attempt": 0}}


@pytest.fixture(scope="module")
def house(release: Release, tmp_path_factory: pytest.TempPathFactory) -> House:
    return houses.build(release, tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def credentials(house: House) -> KubeConfig:
    """A token bound to the pod of the first attempt at `SET`; the pod itself never starts."""
    release, name = house.tenant.release, f"{SET}-a0-abcde"
    spec = {**POD, "serviceAccountName": "adit-runner", "nodeSelector": {"example.org/no-such-node": "true"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    release.kubectl("create", "-f", "-", input=json.dumps(pod))
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={name}")
    token = release.kubectl("create", "token", "adit-runner", *bound).strip()
    config = yaml.safe_load(release.kubernetes.kubeconfig.read_text())
    config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
    path = house.tenant.folder / "runner.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return KubeConfig(str(path))


@pytest.fixture
async def runner(credentials: KubeConfig) -> AsyncIterator[KubernetesCluster]:
    async with KubernetesCluster.open(credentials) as cluster:
        yield cluster


def ref(house: House, name: str) -> Ref:
    return Ref("TaskSet", house.tenant.namespace, name)


async def test_a_runner_writes_the_status_of_its_own_set(runner: KubernetesCluster, house: House) -> None:
    written = await runner.patch_status(ref(house, SET), PROGRESS)
    assert written["status"]["runner"]["attempt"] == 0


async def test_a_runner_writes_no_other_set(runner: KubernetesCluster, house: House) -> None:
    with pytest.raises(Forbidden, match="its pod is named after"):
        await runner.patch_status(ref(house, OTHER_SET), PROGRESS)


async def test_a_runner_writes_no_verdict(runner: KubernetesCluster, house: House) -> None:
    with pytest.raises(Forbidden, match="is the operator's"):
        await runner.patch_status(ref(house, SET), {"verdict": {"finished": True}})


async def test_a_runner_tells_no_set_to_go_on(runner: KubernetesCluster, house: House) -> None:
    with pytest.raises(Forbidden, match="cannot patch resource"):
        await runner.patch(ref(house, SET), {"spec": {"stop": None}})


async def test_a_runner_reads_no_job_server_or_secret(runner: KubernetesCluster, house: House) -> None:
    tenant = house.tenant
    others = [("TransferJob", tenant.namespace, "kept"), ("DicomServer", tenant.namespace, "source")]
    for kind, namespace, name in [*others, ("Secret", tenant.release.namespace, "adit-settings")]:
        with pytest.raises(Forbidden, match="cannot get resource"):
            await runner.get(Ref(kind, namespace, name))
