"""The import contracts of pyproject.toml, shown to bite: a copy of the tree that breaks each of them."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOTS = {
    "core": "adit",
    "operator": "adit_operator",
    "jobrunner": "adit_jobrunner",
    "receiver": "adit_receiver",
    "cli": "adit_cli",
}

# One forbidden import each, and the contract that it must break.
VIOLATIONS = {
    "core/adit/transfer/forbidden_program.py": "import adit_jobrunner",
    "core/adit/api/forbidden_framework.py": "import typer",
    "core/adit/cluster/forbidden_colour.py": "import rich.table",
    "core/adit/forbidden_dimse.py": "import pynetdicom.sop_class",
    "core/adit/dimse/forbidden_models.py": "import adit.api.dicom_server",
    "core/adit/transfer/forbidden_upwards.py": "import adit.pseudonymization.key",
    "core/adit/encoded/forbidden_decoding.py": "import pydicom",
    "operator/adit_operator/forbidden_neighbour.py": "import adit_jobrunner",
    "operator/adit_operator/forbidden_kopf.py": "import kopf",
    "operator/adit_operator/forbidden_shell.py": "import adit_operator.kopf_shell",
    "jobrunner/adit_jobrunner/forbidden_cli.py": "import adit_cli",
    "receiver/adit_receiver/forbidden_neighbour.py": "import adit_jobrunner",
}


def lint_imports(tree: Path) -> str:
    """What the linter says of a tree that holds the four source roots."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(str(tree / root) for root in ROOTS))
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run(
        [linter, "--no-logo", "--no-cache"], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    return answer.stdout + answer.stderr


@pytest.fixture
def tree(tmp_path: Path, project: Path) -> Path:
    """A copy of the code, to be spoilt."""
    for root, package in ROOTS.items():
        shutil.copytree(project / root / package, tmp_path / root / package)
    shutil.copy(project / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_copy_of_the_tree_keeps_every_contract(tree: Path) -> None:
    assert re.search(r"Contracts: \d+ kept, 0 broken", lint_imports(tree))


def test_every_contract_is_broken_by_what_it_forbids(tree: Path) -> None:
    for place, line in VIOLATIONS.items():
        (tree / place).write_text(f'"""Forbidden."""\n\n{line}\n')

    answer = lint_imports(tree)

    settings = tomllib.loads((tree / "pyproject.toml").read_text())
    names = [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]
    assert [name for name in names if f"{name} BROKEN" not in answer] == []
    for place in VIOLATIONS:
        assert Path(place).stem in answer


def test_the_connectors_and_the_fakes_may_speak_dimse(tree: Path) -> None:
    for place in ("connectors", "testing"):
        (tree / "core/adit" / place / "allowed_dimse.py").write_text('"""Allowed."""\n\nimport pynetdicom\n')

    assert re.search(r"Contracts: \d+ kept, 0 broken", lint_imports(tree))
