"""What a machine lacks, in words that say what to do."""

from dataclasses import replace

import pytest

from tests.cluster.machine import NAMESPACES, Machine, lacks

FIT = Machine(
    system="Linux",
    architecture="x86_64",
    user=0,
    namespaces=frozenset(NAMESPACES),
    unshare="",
    control_groups="",
    features=frozenset(),
)


def test_a_machine_that_has_everything_lacks_nothing() -> None:
    assert lacks(FIT) == []


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (replace(FIT, system="Darwin", architecture="arm64"), "this is Darwin on arm64"),
        (replace(FIT, architecture="riscv64"), "Linux on riscv64"),
        (replace(FIT, user=1000), "Run this as root"),
        (replace(FIT, namespaces=frozenset(NAMESPACES) - {"cgroup", "net"}), "no namespaces of kind net, cgroup"),
        (replace(FIT, unshare="unshare failed: Operation not permitted"), "CAP_SYS_ADMIN"),
        (replace(FIT, features=frozenset({"nftables"})), "nftables cannot be used here"),
        (replace(FIT, control_groups="the kernel offers no cgroup controller pids"), "no cgroup controller pids"),
    ],
)
def test_what_is_missing_is_named(machine: Machine, words: str) -> None:
    [sentence] = lacks(machine)
    assert words in sentence


@pytest.mark.parametrize("machine", [replace(FIT, user=1000), replace(FIT, system="Darwin")])
def test_a_person_who_cannot_have_the_local_cluster_is_told_of_the_others(machine: Machine) -> None:
    assert "--cluster=kind" in lacks(machine)[0]


def test_all_that_a_kernel_lacks_is_said_at_once() -> None:
    machine = replace(FIT, features=frozenset({"bridges", "nftables"}), control_groups="they are frozen")
    assert len(lacks(machine)) == 3
