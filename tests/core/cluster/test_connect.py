"""Which cluster the environment names."""

from pathlib import Path

import pytest

from adit.cluster.connect import connect
from adit.cluster.data_folder import default_data_folder
from adit.cluster.embedded import EmbeddedCluster, FlockLease
from adit.errors import BadInput


async def test_a_data_folder_names_the_embedded_cluster(tmp_path: Path) -> None:
    cluster, lease = connect({"ADIT_DATA": str(tmp_path / "data")})
    assert isinstance(cluster, EmbeddedCluster)
    assert lease == FlockLease(tmp_path / "data")
    assert (await cluster.list("TransferJob")).items == ()
    await cluster.close()


async def test_a_data_folder_comes_before_a_cluster_of_kubernetes(tmp_path: Path) -> None:
    cluster, _ = connect({"ADIT_DATA": str(tmp_path / "data"), "KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    assert isinstance(cluster, EmbeddedCluster)
    await cluster.close()


@pytest.mark.parametrize("environ", [{}, {"ADIT_DATA": ""}, {"KUBECONFIG": ""}])
def test_no_cluster_is_an_error_that_says_what_to_set(environ: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=r"set ADIT_DATA.*or KUBECONFIG"):
        connect(environ)


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"ADIT_DATA": "/a/b", "XDG_STATE_HOME": "/state", "HOME": "/home/anna"}, "/a/b"),
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/anna"}, "/state/adit"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/anna"}, "/home/anna/.local/state/adit"),
        ({"HOME": "/home/anna"}, "/home/anna/.local/state/adit"),
    ],
)
def test_the_default_data_folder_follows_the_xdg_rules(environ: dict[str, str], folder: str) -> None:
    assert default_data_folder(environ) == Path(folder)
