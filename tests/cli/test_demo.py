"""`adit demo` from beginning to end, and with a destination that loses what it is given."""

import re
from pathlib import Path

import pytest
import yaml

from adit.testing.programs import free_port
from adit_cli.testing.program import Adit

LAST_LINE = re.compile(r"demo: (\d+) studies, (\d+) instances expected, (\d+) stored, (\d+) verified, (\d+) failed")


def numbers(printed: str) -> list[int]:
    match = LAST_LINE.fullmatch(printed.splitlines()[-1])
    assert match, printed
    return [int(group) for group in match.groups()]


@pytest.fixture
def examples(project: Path, tmp_path: Path) -> Path:
    """The examples, on ports of their own."""
    folder = tmp_path / "examples"
    folder.mkdir()
    for path in (project / "examples" / "local").glob("*.yaml"):
        documents = list(yaml.safe_load_all(path.read_text()))
        for document in documents:
            if document["kind"] == "DicomServer":
                document["spec"]["dimse"]["port"] = free_port()
                document["spec"]["verification"] = {"settleSeconds": 0}
            else:
                document["spec"]["tasks"] = document["spec"]["tasks"][-3:]
        (folder / path.name).write_text(yaml.safe_dump_all(documents))
    return folder


def test_a_demo_that_loses_an_instance_says_so_and_fails(examples: Path, tmp_path: Path) -> None:
    result = Adit(tmp_path / "data").run("demo", "--examples", examples, "--drop-every", "7")
    assert result.code == 1
    _, expected, stored, verified, failed = numbers(result.out)
    assert expected > stored == verified
    assert failed == expected - verified


def test_without_examples_it_says_where_to_run_it(tmp_path: Path) -> None:
    result = Adit(tmp_path / "data").run("demo", "--examples", tmp_path / "nowhere")
    assert result.code == 2
    assert result.err.endswith("holds no *.yaml: run it in a checkout of the project, or give --examples\n")


@pytest.mark.slow
def test_the_demo_moves_every_example_and_another_one_after_it_counts_for_itself(
    project: Path, examples: Path, tmp_path: Path
) -> None:
    adit = Adit(tmp_path / "data")
    for folder, count in ((project / "examples" / "local", 25), (examples, 6)):
        result = adit.run("demo", "--examples", folder)
        assert result.code == 0, result.out + result.err
        studies, expected, stored, verified, failed = numbers(result.out)
        assert (studies, failed) == (count, 0)
        assert expected == stored == verified > 0
