"""packages.sh on machines made to order: what it installs, what it says, and what it leaves alone."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("containerd", "ctr", "runc", "iptables", "nft", "conntrack", "ip", "openssl", "sysctl", "unshare")


@dataclass(frozen=True)
class Machine:
    """Nothing is on the search path but the basics and what `has` was told."""

    folder: Path
    script: Path

    def has(self, program: str, script: str = "exit 0") -> None:
        path = self.folder / program
        path.write_text(f'#!/bin/sh\necho "$*" >>"{self.folder}/{program}.calls"\n{script}\n')
        path.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        record = self.folder / f"{program}.calls"
        return record.read_text().splitlines() if record.exists() else []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The script without its own additions to the path, which would find this machine's programs."""
        text = self.script.read_text()
        assert text.count("PATH=$PATH:/usr/sbin:/sbin\n") == 1
        text = text.replace("PATH=$PATH:/usr/sbin:/sbin\n", "").replace("/usr/lib/cni/bridge", "bridge")
        return subprocess.run(
            ["bash", "-c", text, "packages.sh", *arguments],
            env={"PATH": str(self.folder), "POLICY": str(self.folder / "policy-rc.d")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path, project: Path) -> Machine:
    for program in ("bash", "sh", "sort", "tr", "chmod", "rm"):
        found = shutil.which(program)
        assert found
        (tmp_path / program).symlink_to(found)
    made = Machine(tmp_path, project / "tests" / "cluster" / "packages.sh")
    for program in (*PROGRAMS, "bridge"):
        made.has(program)
    made.has("id", "echo 0")
    return made


def test_where_everything_is_there_nothing_is_done_or_said(machine: Machine) -> None:
    machine.has("apt-get")
    answer = machine.run()
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")
    assert machine.calls("apt-get") == []


def test_root_gets_the_missing_packages_each_once_and_no_service_is_started(machine: Machine) -> None:
    machine.has("apt-get", f'"{machine.folder}/policy-rc.d"; test $? = 101')
    for program in ("containerd", "ctr", "nft"):
        (machine.folder / program).unlink()
    assert machine.run().returncode == 0
    assert machine.calls("apt-get") == ["update -qq", "install -qq -y --no-install-recommends containerd nftables"]
    assert not (machine.folder / "policy-rc.d").exists()


def test_buildah_is_installed_where_it_is_asked_for(machine: Machine) -> None:
    machine.has("apt-get")
    assert machine.run("buildah").returncode == 0
    assert machine.calls("apt-get")[-1].endswith(" buildah")


def test_a_person_is_told_what_to_install(machine: Machine) -> None:
    machine.has("apt-get")
    machine.has("id", "echo 1000")
    (machine.folder / "runc").unlink()
    answer = machine.run()
    assert answer.returncode == 1
    assert answer.stderr == "Not installed: runc. To install: sudo apt-get install runc\n"
    assert machine.calls("apt-get") == []


def test_elsewhere_than_debian_the_packages_are_named(machine: Machine) -> None:
    (machine.folder / "bridge").unlink()
    answer = machine.run()
    assert answer.returncode == 1
    assert answer.stderr == "Not installed: containernetworking-plugins (names of the Debian packages).\n"


def test_packages_that_cannot_be_installed_are_named(machine: Machine) -> None:
    machine.has("apt-get", "exit 100")
    (machine.folder / "runc").unlink()
    answer = machine.run()
    assert answer.returncode == 1
    assert "apt-get could not install runc." in answer.stderr
