"""The Makefile as a person meets it: targets that say what they do, and a second run that does nothing."""

import re
import subprocess
from pathlib import Path

import pytest


def make(project: Path, *arguments: str) -> str:
    command = ["make", "--no-print-directory", "-C", str(project), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_make_alone_lists_every_target_with_what_it_does(project: Path) -> None:
    rules = re.findall(r"^([a-z0-9-]+):", (project / "Makefile").read_text(), flags=re.MULTILINE)
    listed = re.findall(r"^  make ([a-z0-9-]+) +\S", make(project), flags=re.MULTILINE)
    assert listed == rules


def test_every_target_is_phony(project: Path) -> None:
    """A folder called `crds` must not make `make crds` do nothing."""
    makefile = (project / "Makefile").read_text()
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert phony.split() == re.findall(r"^([a-z0-9-]+):", makefile, flags=re.MULTILINE)


@pytest.mark.parametrize(("stamp", "requirements"), [("run", "run.txt"), ("dev", "dev.txt")])
def test_an_environment_is_installed_again_only_after_its_requirements_changed(
    tmp_path: Path, project: Path, stamp: str, requirements: str
) -> None:
    (tmp_path / "Makefile").write_text((project / "Makefile").read_text())
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / requirements).touch()
    (tmp_path / ".venv").mkdir()
    target = f".venv/.stamp-{stamp}"
    (tmp_path / target).touch()

    assert "is up to date" in make(tmp_path, "--dry-run", target)
    assert "tools/install.sh" in make(tmp_path, "--dry-run", f"--what-if=requirements/{requirements}", target)
    assert "tools/install.sh" in make(tmp_path, "--dry-run", "--what-if=pyproject.toml", target)
