"""What the tree promises: source roots, short files, generated files up to date, commands that exist."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adit.api.crd import render_all

PROJECT = Path(__file__).resolve().parent.parent
CEILING = 400
HAND_WRITTEN = {".py", ".html", ".css", ".js", ".go", ".sh", ".md"}
# Generated files and data, by path from the root.
GENERATED: set[str] = set()
BUILT = {"__pycache__", "dist", "node_modules"}


def files(folder: Path = PROJECT) -> Iterator[Path]:
    """Every file that could be committed: no caches, no build products, no hidden folder but .ci."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name != ".ci"
            if not hidden and path.name not in BUILT and path.suffix != ".egg-info":
                yield from files(path)
        else:
            yield path


def named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def commands_in(document: Path) -> list[str]:
    """The lines of a document's fenced code, without prompts and comments."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ").strip() for block in fenced for line in block.splitlines()]


DOCUMENTS = [path for path in files() if path.suffix == ".md"]


def test_a_top_level_folder_is_a_source_root_and_never_a_package() -> None:
    """`operator/__init__.py` would replace Python's own module."""
    assert [named(path) for path in PROJECT.glob("*/__init__.py")] == []


def test_the_tests_are_no_packages() -> None:
    assert [named(path) for path in (PROJECT / "tests").rglob("__init__.py")] == []


def test_no_hand_written_file_is_longer_than_its_ceiling() -> None:
    lines = {
        named(path): len(path.read_text().splitlines())
        for path in files()
        if (path.suffix in HAND_WRITTEN or path.name == "Makefile") and named(path) not in GENERATED
    }
    assert {name: count for name, count in lines.items() if count > CEILING} == {}


def test_every_file_named_as_generated_exists() -> None:
    assert [name for name in GENERATED if not (PROJECT / name).is_file()] == []


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    machine = re.compile(rb"(?<![\w.}-])/(work|root)/")
    assert [named(path) for path in files() if machine.search(path.read_bytes())] == []


@pytest.mark.parametrize("silencer", [r"noqa: [A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*", r"type: ignore\[[\w, -]+\]"])
def test_a_silenced_check_says_why_on_its_line(silencer: str) -> None:
    unexplained = re.compile(rf"# (?>{silencer})(?!.*\w{{3,}})")
    assert [
        f"{named(path)}:{number}"
        for path in files()
        if path.suffix == ".py"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if unexplained.search(line)
    ] == []


def test_a_silenced_rule_says_why_in_the_settings() -> None:
    entries = re.findall(r'^    "[A-Z]+[0-9]*",.*$', (PROJECT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    assert len(entries) > 10
    assert [entry for entry in entries if not re.search(r"# \w+", entry)] == []


def test_the_crds_are_what_the_models_say() -> None:
    """When this fails: `make crds`."""
    written = {path.name: path.read_text() for path in (PROJECT / "crds").iterdir()}
    assert written == render_all()


def test_the_readme_shows_the_two_commands() -> None:
    lines = [shlex.split(line, comments=True) for line in commands_in(PROJECT / "README.md")]
    assert ["make", "demo"] in lines
    assert ["make", "test"] in lines


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_make_target_in_a_document_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    mentioned = {
        match for line in commands_in(document) for match in re.findall(r"(?:^|[;&|] *)make ([a-z0-9-]+)", line)
    } | set(re.findall(r"`make ([a-z0-9-]+)", document.read_text()))
    assert mentioned <= targets


def test_every_adit_command_in_a_document_exists() -> None:
    """Asked of the installed program, which answers `--help` for the commands that it has."""
    mentioned = {
        command
        for document in DOCUMENTS
        for command in [
            *(found for line in commands_in(document) for found in re.findall(r"(?:^|[;&|] *)adit ([a-z-]+)", line)),
            *re.findall(r"`adit ([a-z][a-z-]*)", document.read_text()),
        ]
    }
    assert "run" in mentioned
    program = Path(sys.executable).with_name("adit")
    missing = [
        command
        for command in sorted(mentioned)
        if subprocess.run([program, command, "--help"], capture_output=True, check=False).returncode != 0
    ]
    assert missing == []
