"""Where the node's control groups are, under version 1 and version 2."""

from pathlib import Path

import pytest

from tests.cluster import cgroups
from tests.cluster.progress import ClusterError

VERSION_1 = "4:memory:/ours\n3:cpuset:/\n2:cpu,cpuacct:/\n1:pids:/\n9:name=systemd:/user\n0::/\n"
VERSION_2 = "0::/user.slice/session-1.scope\n"


def test_each_hierarchy_of_version_1_has_a_group_below_our_own() -> None:
    assert cgroups.groups(VERSION_1, "node", Path("/cg")) == (
        Path("/cg/memory/ours/node"),
        Path("/cg/cpuset/node"),
        Path("/cg/cpu,cpuacct/node"),
        Path("/cg/pids/node"),
        Path("/cg/systemd/user/node"),
        Path("/cg/unified/node"),
    )


def test_version_2_has_one_group_below_the_root() -> None:
    assert cgroups.groups(VERSION_2, "node", Path("/cg")) == (Path("/cg/node"),)


def test_a_machine_with_all_controllers_lacks_none(tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("cpuset cpu io memory pids\n")
    assert cgroups.lacking(VERSION_1) == ""
    assert cgroups.lacking(VERSION_2, tmp_path) == ""


def test_a_controller_that_version_2_does_not_hand_on_is_named_with_the_command(tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    words = cgroups.lacking(VERSION_2, tmp_path)
    assert f"echo '+cpuset +pids' > {tmp_path}/cgroup.subtree_control" in words


def test_a_controller_that_the_kernel_lacks_is_named() -> None:
    assert cgroups.lacking(VERSION_1.replace("1:pids:/\n", "")).endswith("controller pids")


def test_groups_are_removed_with_all_below_them(tmp_path: Path) -> None:
    (tmp_path / "node" / "kubepods" / "pod").mkdir(parents=True)
    cgroups.remove([tmp_path / "node", tmp_path / "never-made"])
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_stays_in_use_is_an_error_and_not_a_wait_for_ever(tmp_path: Path) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "held").touch()
    with pytest.raises(ClusterError, match="cannot be removed"):
        cgroups.remove([tmp_path / "node"], within=0.1)
