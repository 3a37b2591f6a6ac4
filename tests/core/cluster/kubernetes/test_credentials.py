"""Where the environment leads, and what it says where it leads nowhere."""

from pathlib import Path

import pytest
from kubernetes.aio.client import Configuration

from adit.cluster.connect import connect
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes import KubernetesCluster, KubernetesLease
from adit.cluster.kubernetes.credentials import KubeConfig, ServiceAccount, credentials_of
from adit.errors import BadInput

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: one
contexts: [{name: one, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {token: secret}}]
"""


def test_a_kubeconfig_comes_before_the_pods_account() -> None:
    environ = {"KUBECONFIG": "/a", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert credentials_of(environ) == KubeConfig("/a")


def test_a_pod_uses_its_account() -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert credentials_of(environ) == ServiceAccount("10.0.0.1", "6443")


def test_an_environment_without_a_cluster_has_no_credentials() -> None:
    assert credentials_of({"KUBECONFIG": ""}) is None


async def test_a_kubeconfig_gives_host_and_token(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(KUBECONFIG)
    configuration = Configuration()
    await KubeConfig(f"{tmp_path / 'missing'}:{path}").fill(configuration)
    assert configuration.host == "http://127.0.0.1:1"
    assert configuration.api_key["BearerToken"] == "Bearer secret"


@pytest.mark.parametrize(
    "text", ["", "a: [", "[]", "kind: Config", KUBECONFIG.replace("cluster: here,", "cluster: x,")]
)
async def test_a_kubeconfig_that_cannot_be_read_is_bad_input(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(BadInput, match="KUBECONFIG"):
        await KubeConfig(str(path)).fill(Configuration())


async def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    cluster, lease = connect({"KUBECONFIG": str(tmp_path / "missing")})
    assert isinstance(cluster, KubernetesCluster)
    assert isinstance(lease, KubernetesLease)
    with pytest.raises(BadInput, match="missing"):
        await cluster.get(Ref("Job", "default", "work"))
    await cluster.close()


async def test_an_account_gives_host_token_and_authority(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    (tmp_path / "ca.crt").write_text("certificate")
    configuration = Configuration()
    await ServiceAccount("10.0.0.1", "6443", tmp_path).fill(configuration)
    assert configuration.host == "https://10.0.0.1:6443"
    assert configuration.api_key["BearerToken"].lower() == "bearer secret"
    assert configuration.ssl_ca_cert == str(tmp_path / "ca.crt")


async def test_an_account_without_a_token_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="service account"):
        await ServiceAccount("10.0.0.1", "6443", tmp_path).fill(Configuration())
