"""What the documents promise: links that lead somewhere, manifests and commands that the program takes."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from adit.api.dicom_server import DicomServerSpec
from adit.api.manifests import read, read_all
from adit.api.transfer_job import TransferJobSpec
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_cli.commands import app

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path
    for path in (*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"), *(PROJECT / "examples").rglob("*.md"))
    if path.is_file()
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)
GLOBAL_OPTIONS = ("--data", "--namespace", "-n")
# What no person meets under this name: bases, words between our own programs, and what is always caught by us.
UNSEEN = {
    "Error",
    "Expired",
    "Invalid",
    "HolderLost",
    "AlreadyExists",
    "FieldConflict",
    "InvalidManifest",
    "NotStalled",
    "UidMismatch",
}


def named(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def fenced(document: Path) -> Iterator[tuple[str, str]]:
    """The fenced blocks: language and text, without the indent of a list."""
    for indent, language, block in FENCE.findall(document.read_text()):
        yield language, "".join(line.removeprefix(indent) for line in block.splitlines(keepends=True))


def shell_lines(text: str) -> list[str]:
    return [line.removeprefix("$ ").strip() for line in text.splitlines()]


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as the forges make them."""
    prose = FENCE.sub("", document.read_text())
    headings = re.findall(r"^#+ (.*)$", prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path, root: Path = PROJECT) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", document.read_text())):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (document.parent / target).resolve() if target else document
        there = path.exists() and path.is_relative_to(root)
        if not there or (anchor and anchor not in anchors(path)):
            yield link


def commands(document: Path) -> Iterator[str]:
    """Every `adit …` of the fenced shell lines, of inline code and of the comments of an example."""
    text = document.read_text()
    if document.suffix == ".yaml":
        comments = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
        found = [part.strip() for line in comments for part in line.split("&&")]
    else:
        blocks = [line for language, block in fenced(document) if language == "sh" for line in shell_lines(block)]
        found = [*blocks, *re.findall(r"`(adit [^`]+)`", FENCE.sub("", text).replace("\n", " "))]
    yield from (command for command in found if re.match(r"adit [a-z-]", command) and "…" not in command)


def refusal(command: str) -> str:
    """Why the installed program would not take this command line; nothing is run."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    words = shlex.split(command, comments=True)[1:]
    while words[:1] and words[0] in GLOBAL_OPTIONS:
        words = words[2:]
    if not words or words[0] == "--help":
        return ""
    if words[0] not in group.commands:
        return f"{command}: there is no such command"
    if words[1:] == []:
        return ""  # the command itself is spoken of
    if words[1:] == ["--help"]:
        return ""
    try:
        group.commands[words[0]].make_context(words[0], words[1:])
    except TyperException as error:
        return f"{command}: {error}"
    return ""


def words_in_code(pattern: str, *folders: str) -> set[str]:
    """What a pattern finds in the code that people meet: not in the shipped fakes, nor in what no program uses yet."""
    found: set[str] = set()
    for folder in folders:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            if not {"testing", "kubernetes"} & set(path.parts):
                found.update(re.findall(pattern, path.read_text()))
    return found


def test_there_are_documents_to_look_at() -> None:
    assert {"README.md", "ARCHITECTURE.md", "docs/troubleshooting.md"} <= set(map(named, DOCUMENTS))


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    assert list(broken_links(document)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A heading\n[a](nowhere.md) [b](#a-heading) [c](#another) [d](https://example.org)\n")
    assert list(broken_links(page, tmp_path)) == ["nowhere.md", "#another"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_manifest_in_a_document_is_valid(document: Path) -> None:
    manifests = [text for language, text in fenced(document) if language == "yaml" and "apiVersion:" in text]
    for text in manifests:
        assert [warning for found in read(text, named(document)) for warning in found.warnings] == []


@pytest.mark.parametrize("folder", sorted((PROJECT / "examples").iterdir()), ids=named)
def test_every_example_is_valid(folder: Path) -> None:
    files = sorted(folder.glob("*.yaml"))
    found = read_all([(named(file), file.read_text()) for file in files])
    assert any(document.kind == "TransferJob" for document in found)
    assert [warning for document in found for warning in document.warnings] == []


@pytest.mark.parametrize("document", [*DOCUMENTS, *sorted((PROJECT / "examples").rglob("*.yaml"))], ids=named)
def test_every_command_line_is_one_that_the_program_takes(document: Path) -> None:
    assert [why for command in commands(document) if (why := refusal(command))] == []


@pytest.mark.parametrize(
    "line", ["adit retry night --scope Some", "adit frobnicate", "adit find", "adit echo a --loud"]
)
def test_a_command_line_that_the_program_refuses_is_found(line: str) -> None:
    assert bool(refusal(line)) == (line != "adit find")  # without arguments the command itself is spoken of


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_check_in_a_document_succeeds(document: Path, tmp_path: Path) -> None:
    """A file that the text tells a person to save is the manifest shown last before."""
    (tmp_path / "examples").symlink_to(PROJECT / "examples")
    shown = ""
    for language, text in fenced(document):
        shown = text if language == "yaml" else shown
        lines = shell_lines(text) if language in {"sh", "console"} else []
        for line in (line for line in lines if line.startswith("adit check ")):
            wanted = shlex.split(line, comments=True)[2:]
            for name in (name for name in wanted if "*" not in name and not (tmp_path / name).exists()):
                (tmp_path / name).write_text(shown)
            files = [str(path) for name in wanted for path in sorted(tmp_path.glob(name))]
            answer = subprocess.run(
                [Path(sys.executable).with_name("adit"), "check", *files],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("document", [PROJECT / "docs/large-jobs.md", PROJECT / "examples/large/job.yaml"], ids=named)
def test_a_list_is_made_under_the_name_and_key_that_its_job_names(document: Path) -> None:
    text = document.read_text()
    made = re.findall(r"kubectl create secret generic (\S+) --from-file=([^\s`]+)", text)
    wanted = re.findall(r"secretRef:\n\s+name: (\S+)\n\s+key: (\S+)", text)
    assert made
    assert set(made) <= set(wanted)


def patches(document: Path) -> list[tuple[str, dict[str, Any]]]:
    """Kind and body of every merge patch that a page tells; the shell puts a time where it says $(date +%s)."""
    found = re.findall(r"kubectl patch (\w+) \w+ --type merge -p '([^`\n]+)'", document.read_text())
    return [(kind, json.loads(body.replace("'$(date +%s)'", "1767225600"))) for kind, body in found]


def test_every_documented_patch_leaves_a_valid_object() -> None:
    told = patches(PROJECT / "docs/troubleshooting.md")
    fields = {field for _, body in told for field in body["spec"]}
    assert {"suspend", "shutdown", "retry", "paused"} <= fields
    for kind, body in told:
        spec = server_manifest()["spec"] if kind == "dcmsrv" else transfer_job_manifest()["spec"]
        changed = {name: value for name, value in (spec | body["spec"]).items() if value is not None}
        (DicomServerSpec if kind == "dcmsrv" else TransferJobSpec).of(changed)


def test_every_reason_is_explained() -> None:
    reasons = words_in_code(r'(?:reason=|default_reason = )"([A-Z]\w+)"', "core", "operator", "jobrunner", "cli")
    reasons |= words_in_code(r'Waiting\(\s*"([A-Z]\w+)"', "operator")
    reasons |= words_in_code(r'(?:Malformed|Loss|Quarantined)\((?:[\w.]+, )?"([A-Z]\w+)"', "core")
    reasons |= words_in_code(r'(?:Unblankable|Drops|Holds)\("([A-Z]\w+)"', "core")
    reasons |= words_in_code(r'Loss\("\w+", "([A-Z]\w+)"', "core")
    reasons |= words_in_code(r'Meaning\(\s*Verdict\.\w+, "([A-Z]\w+)"', "core")
    reasons -= {"Fetch", "Store", "Verify", "List", "Rewrite"}  # the steps, which stand in the same calls
    page = set(re.findall(r"\w+", (PROJECT / "docs/troubleshooting.md").read_text()))
    assert len(reasons) > 80
    assert sorted(reasons - page - UNSEEN) == []


def test_every_guard_stands_in_the_table_of_the_architecture() -> None:
    text = (PROJECT / "ARCHITECTURE.md").read_text()
    told = set(re.findall(r"^\| `([a-z-]+)` \| \[[\w.]+\]\(([\w/.]+)\)", text, flags=re.MULTILINE))
    marked = {
        (guard, named(path))
        for folder in ("operator", "jobrunner")
        for path in (PROJECT / folder).rglob("*.py")
        for guard in re.findall(r"# guard: ([a-z-]+)", path.read_text())
    }
    assert told == marked
