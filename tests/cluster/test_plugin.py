"""`--cluster` as pytest sees it: another pytest is run, on a machine where kind and kubectl are stand-ins."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFTEST = 'pytest_plugins = ["tests.cluster.plugin"]\n'
TEST = """
from pathlib import Path

import pytest


@pytest.mark.cluster
def test_that_needs_a_cluster(kubernetes):
    assert kubernetes.kubectl("version") == "kubectl version\\n"
    kubernetes.load_image(Path("one.tar"))


def test_that_needs_none():
    pass
"""
KIND = 'case "$1 $2" in "get clusters") ;; "create cluster") cp "$HOME/kubeconfig" "${4#--kubeconfig=}" ;; esac'
KUBECTL = 'while [ "$1" = --kubeconfig ]; do shift 2; done; echo "kubectl $*"'
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: x
contexts: [{name: x, context: {cluster: x, user: x}}]
clusters: [{name: x, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: x, user: {}}]
"""


@dataclass(frozen=True)
class Machine:
    """A folder with a test in it, and nothing on the search path but what `has` was told."""

    folder: Path
    project: Path

    def has(self, program: str, script: str) -> None:
        path = self.folder / "bin" / program
        path.write_text(f'#!/bin/sh\necho "$*" >>"$HOME/{program}.calls"\n{script}\n')
        path.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        record = self.folder / f"{program}.calls"
        return record.read_text().splitlines() if record.exists() else []

    def pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-rs",
                "-p",
                "no:cacheprovider",
                "-o",
                "addopts=",
                *arguments,
                "test_it.py",
            ],
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                "PYTHONPATH": str(self.project),
            }
            | environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path, project: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    return Machine(tmp_path, project)


def test_a_person_who_asks_for_no_cluster_has_those_tests_skipped_with_the_reason(machine: Machine) -> None:
    answer = machine.pytest()
    assert "1 passed, 1 skipped" in answer.stdout
    assert "needs a Kubernetes: --cluster=local (root), --cluster=kind or --cluster=current" in answer.stdout


def test_kind_is_made_used_and_deleted_by_the_programs_that_are_installed(machine: Machine) -> None:
    machine.has("kind", KIND)
    machine.has("kubectl", KUBECTL)
    answer = machine.pytest("--cluster=kind")
    assert "2 passed" in answer.stdout, answer.stdout
    kubeconfig = ".pytest-kind/pytest-kind/kubeconfig"
    assert machine.calls("kind") == [
        "get clusters",
        f"create cluster --name=pytest-kind --kubeconfig={kubeconfig}",
        "load image-archive one.tar --name pytest-kind",
        f"delete cluster --name=pytest-kind --kubeconfig={kubeconfig}",
    ]
    assert machine.calls("kubectl") == [f"--kubeconfig {machine.folder / kubeconfig} version"]


def test_kind_without_its_programs_is_refused_and_nothing_is_downloaded(machine: Machine) -> None:
    answer = machine.pytest("--cluster=kind", PATH=str(machine.folder / "bin"))
    assert answer.returncode != 0
    assert "needs the programs kind and kubectl" in answer.stderr


def test_the_current_cluster_is_the_one_of_the_kubeconfig(machine: Machine) -> None:
    machine.has("kubectl", KUBECTL)
    answer = machine.pytest("--cluster=current", KUBECONFIG=str(machine.folder / "kubeconfig"))
    assert machine.calls("kubectl") == [f"--kubeconfig {machine.folder / 'kubeconfig'} version"]
    assert "push the image where the cluster pulls from" in answer.stdout


def test_a_current_cluster_without_kubeconfig_fails_with_what_to_set(machine: Machine) -> None:
    machine.has("kubectl", KUBECTL)
    answer = machine.pytest("--cluster=current")
    assert answer.returncode == 1
    assert "Set KUBECONFIG" in answer.stdout


def test_in_ci_a_machine_that_cannot_have_the_local_cluster_ends_the_run_with_the_reason(machine: Machine) -> None:
    for program in ("bash", "sort", "tr", "id", "dirname"):
        found = shutil.which(program)
        assert found
        (machine.folder / "bin" / program).symlink_to(found)
    answer = machine.pytest(CI="true", PATH=str(machine.folder / "bin"))
    assert answer.returncode != 0
    assert ("Not installed: " if os.geteuid() == 0 else "needs root") in answer.stderr
