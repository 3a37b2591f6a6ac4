"""A second cluster in a run folder of its own: what a killed run left is cleared, and down leaves nothing behind."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import cgroups, local, node
from tests.cluster.access import Kubernetes
from tests.cluster.node import Node
from tests.cluster.plugin import way

pytestmark = pytest.mark.cluster
USE = "def test_it(kubernetes): print(kubernetes.kubectl('get', 'nodes'), kubernetes.kubeconfig)"
SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "kernel/hostname",
    "net/ipv4/ip_forward",
)


@pytest.fixture
def run_folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A short path: the kubelet's sockets are below it."""
    if way(request.config) != "local":
        pytest.skip("only the local cluster is ours to start and stop")
    with tempfile.TemporaryDirectory(prefix="adit-", dir="/var/tmp") as folder:
        yield Path(folder) / "run"
        local.down(Node(Path(folder) / "run"))


def told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def seen() -> dict[str, object]:
    """What a machine shows of its mounts, network cards, routes, rules and settings."""
    links = json.loads(told("ip", "-json", "link"))
    return {
        "mounts": sorted(line.split(" ", 3)[3] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        "links": sorted(link["ifname"] for link in links),
        "routes": told("ip", "route"),
        "rules": told("nft", "list", "tables"),
        "settings": {name: (Path("/proc/sys") / name).read_text() for name in SETTINGS},
    }


def namespaces_of(pid: int) -> set[str]:
    return {str(path.readlink()) for path in Path(f"/proc/{pid}/ns").iterdir() if path.name in {"net", "mnt", "pid"}}


def processes_in(namespaces: set[str]) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if namespaces & namespaces_of(int(folder.name)):
                found.append((folder / "cmdline").read_text())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def processes_that_name(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder) in text:
            found.append(text)
    return found


def test_down_leaves_nothing_of_what_up_made(run_folder: Path) -> None:
    before = seen()
    brought = local.up(keep=False, at=Node(run_folder))
    at = brought.node
    assert brought.started
    assert at.init is not None
    groups = [Path(line) for line in (run_folder / "cgroups").read_text().splitlines()]
    inside = namespaces_of(at.init.pid) - namespaces_of(os.getpid())
    assert len(inside) == 3
    assert all(group.is_dir() for group in groups)
    assert seen() == before, "a running cluster shows on the machine"

    assert node.down(at)

    assert processes_in(inside) == []
    assert processes_that_name(run_folder) == []
    assert [group for group in groups if group.exists()] == []
    assert not run_folder.exists()
    assert seen() == before


def test_a_cluster_whose_test_run_was_killed_is_taken_down_before_the_next_starts(run_folder: Path) -> None:
    program = "import sys; from pathlib import Path; from tests.cluster import local, node\n"
    program += "local.up(keep=False, at=node.Node(Path(sys.argv[1])))"
    subprocess.run([sys.executable, "-c", program, run_folder], check=True, stderr=subprocess.DEVNULL)
    left = Node(run_folder).init
    assert left is not None

    brought = local.up(keep=False, at=Node(run_folder))

    assert brought.started
    assert brought.node.init not in {None, left}
    assert local.up(keep=False, at=Node(run_folder)) == local.Brought(brought.node, started=False)


def test_a_test_session_takes_down_the_cluster_that_it_started(run_folder: Path, project: Path, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tests.cluster.plugin"]')
    (tmp_path / "test_it.py").write_text(USE)
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "--cluster=local", "test_it.py"]
    environment = {**os.environ, "ADIT_CLUSTER_RUN": str(run_folder), "PYTHONPATH": str(project)}
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "1 passed" in answer.stdout, answer.stdout
    assert f"{run_folder}/kubeconfig" in answer.stdout
    assert not run_folder.exists()
    assert processes_that_name(run_folder) == []


def test_the_shared_cluster_runs_in_the_control_groups_that_its_record_names(kubernetes: Kubernetes) -> None:
    if kubernetes.node is None or kubernetes.node.init is None:
        pytest.skip("only the local cluster is ours to look into")
    membership = Path(f"/proc/{kubernetes.node.init.pid}/cgroup").read_text()
    recorded = (kubernetes.node.run / "cgroups").read_text().split()
    name = Path(recorded[0]).name
    own = Path("/proc/self/cgroup").read_text()
    assert recorded == [str(group) for group in cgroups.groups(own, name)]
    assert all(line.rstrip("/").endswith((name, f"{name}/node")) for line in membership.splitlines())
