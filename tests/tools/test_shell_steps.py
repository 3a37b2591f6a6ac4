"""The shell steps behind the Makefile, each run on a machine made to order."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

BASICS = ("bash", "sh", "cat", "chmod", "dirname", "rm")
TOO_OLD = 'case "$*" in *version_info*) exit 1 ;; --version) echo "Python 3.9.2" ;; esac'
WITHOUT_ENSUREPIP = f'case "$*" in *ensurepip*) exit 1 ;; esac\nexec "{sys.executable}" "$@"'
NOTHING_INSTALLED = "exit 1"
EVERYTHING_INSTALLED = "printf installed"
DICOM_PACKAGES = "orthanc orthanc-dicomweb dcmtk"


@dataclass(frozen=True)
class Machine:
    """A copy of tools/, run with nothing on the search path but the basics and what `has` was told."""

    folder: Path

    def has(self, program: str, script: str) -> None:
        """Put a program there, written for sh; `calls` shows what it was called with."""
        path = self.folder / "bin" / program
        path.write_text(f'#!/bin/sh\necho "$*" >>"{self.folder}/{program}.calls"\n{script}\n')
        path.chmod(0o755)

    def calls(self, program: str) -> list[str]:
        record = self.folder / f"{program}.calls"
        return record.read_text().splitlines() if record.exists() else []

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "tools" / script, *arguments],
            env={"PATH": str(self.folder / "bin")} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path, project: Path) -> Machine:
    shutil.copytree(project / "tools", tmp_path / "tools")
    (tmp_path / "bin").mkdir()
    for program in BASICS:
        found = shutil.which(program)
        assert found
        (tmp_path / "bin" / program).symlink_to(found)
    return Machine(tmp_path)


@pytest.fixture
def debian(machine: Machine) -> Machine:
    """Run by root, with no package of ours installed and an apt-get that works."""
    machine.has("id", "echo 0")
    machine.has("dpkg-query", NOTHING_INSTALLED)
    machine.has("apt-get", "exit 0")
    return machine


def test_the_newest_python_builds_the_environment(machine: Machine) -> None:
    machine.has("python3.11", "exit 0")
    machine.has("python3.12", "exit 0")
    assert machine.run("python.sh").stdout.endswith("/python3.12\n")


def test_a_python_that_does_not_start_is_passed_over(machine: Machine) -> None:
    machine.has("python3.13", "exit 127")
    machine.has("python3", "exit 0")
    assert machine.run("python.sh").stdout.endswith("/python3\n")


def test_the_python_that_was_asked_for_is_taken(machine: Machine) -> None:
    machine.has("python3.13", "exit 0")
    machine.has("mine", "exit 0")
    assert machine.run("python.sh", PYTHON="mine").stdout.endswith("/mine\n")


def test_a_python_that_is_too_old_is_refused_with_its_version(machine: Machine) -> None:
    machine.has("python3", TOO_OLD)
    answer = machine.run("python.sh")
    assert answer.returncode == 1
    assert "Python 3.11 or newer is needed; python3 is: Python 3.9.2." in answer.stderr


def test_a_machine_without_python_is_told_so(machine: Machine) -> None:
    answer = machine.run("python.sh")
    assert answer.returncode == 1
    assert "python3 is: no Python at all." in answer.stderr


def test_an_environment_is_made_once_and_then_kept(machine: Machine) -> None:
    assert machine.run("venv.sh", PYTHON=sys.executable).returncode == 0
    (machine.folder / ".venv/kept").touch()
    again = machine.run("venv.sh", PYTHON=sys.executable)
    assert (again.returncode, again.stdout) == (0, "")
    assert (machine.folder / ".venv/kept").exists()


def test_a_person_without_ensurepip_is_given_the_command_that_installs_it(machine: Machine) -> None:
    machine.has("python3", WITHOUT_ENSUREPIP)
    machine.has("apt-get", "exit 0")
    machine.has("id", "echo 1000")
    answer = machine.run("venv.sh", PYTHON="python3")
    assert answer.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"sudo apt-get install python{version}-venv\n" in answer.stderr
    assert machine.calls("apt-get") == []
    assert not (machine.folder / ".venv").exists()


def test_root_without_ensurepip_gets_it_installed(machine: Machine) -> None:
    machine.has("python3", WITHOUT_ENSUREPIP)
    machine.has("apt-get", "exit 0")
    machine.has("id", "echo 0")
    assert machine.run("venv.sh", PYTHON="python3").returncode == 0
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert machine.calls("apt-get") == ["update -qq", f"install -qq -y --no-install-recommends {package}"]
    assert (machine.folder / ".venv/bin/pip").exists()


def test_an_ensurepip_that_cannot_be_installed_ends_it(machine: Machine) -> None:
    machine.has("python3", WITHOUT_ENSUREPIP)
    machine.has("apt-get", "exit 100")
    machine.has("id", "echo 0")
    assert machine.run("venv.sh", PYTHON="python3").returncode == 100
    assert not (machine.folder / ".venv").exists()


def test_where_there_is_no_apt_get_the_missing_module_is_named(machine: Machine) -> None:
    machine.has("python3", WITHOUT_ENSUREPIP)
    answer = machine.run("venv.sh", PYTHON="python3")
    assert answer.returncode == 1
    assert "its module ensurepip is missing" in answer.stderr


def test_where_everything_is_installed_nothing_is_done_or_said(debian: Machine) -> None:
    debian.has("dpkg-query", EVERYTHING_INSTALLED)
    answer = debian.run("system-packages.sh", CI="true")
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")
    assert debian.calls("apt-get") == []


def test_root_gets_the_missing_packages_and_no_service_is_started(debian: Machine) -> None:
    policy = debian.folder / "policy-rc.d"
    debian.has("apt-get", f'"{policy}"; test $? = 101')
    answer = debian.run("system-packages.sh", str(policy), CI="true")
    assert answer.returncode == 0
    assert debian.calls("apt-get") == ["update -qq", f"install -qq -y --no-install-recommends {DICOM_PACKAGES}"]
    assert not policy.exists()


def test_a_policy_of_the_machine_is_left_alone(debian: Machine) -> None:
    policy = debian.folder / "policy-rc.d"
    policy.write_text("the machine's own")
    assert debian.run("system-packages.sh", str(policy)).returncode == 0
    assert policy.read_text() == "the machine's own"


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_packages_that_cannot_be_installed_fail_in_ci_and_are_named_to_a_person(
    debian: Machine, ci: str, code: int
) -> None:
    policy = debian.folder / "policy-rc.d"
    debian.has("apt-get", "exit 100")
    answer = debian.run("system-packages.sh", str(policy), CI=ci)
    assert answer.returncode == code
    assert f"apt-get could not install {DICOM_PACKAGES}." in answer.stderr
    assert not policy.exists()


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_person_is_told_what_to_install_and_ci_fails(debian: Machine, ci: str, code: int) -> None:
    debian.has("id", "echo 1000")
    answer = debian.run("system-packages.sh", CI=ci)
    assert answer.returncode == code
    assert f"To install: sudo apt-get install {DICOM_PACKAGES}\n" in answer.stderr
    assert debian.calls("apt-get") == []


def test_elsewhere_than_debian_the_programs_count(machine: Machine) -> None:
    machine.has("Orthanc", "exit 0")
    machine.has("dcmqrscp", "exit 0")
    answer = machine.run("system-packages.sh", CI="true")
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


def test_elsewhere_than_debian_a_missing_program_is_named_by_its_package(machine: Machine) -> None:
    machine.has("Orthanc", "exit 0")
    answer = machine.run("system-packages.sh", CI="true")
    assert answer.returncode == 1
    assert answer.stderr == "Not installed: dcmtk (names of the Debian packages).\n"
