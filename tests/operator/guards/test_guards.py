import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.operator.guards.kept import EXAMPLES, survive
from tests.operator.guards.removals import REMOVALS, guards_in, without

# proved where it lives: it is neither in reconcile nor in claim or flush
ELSEWHERE = {"silence-is-loss"}


@pytest.fixture(scope="session")
def verdicts(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What became of each kept example on a copy of the source without its guard."""
    folder = tmp_path_factory.mktemp("guards")
    sources = {"adit_operator": project / "operator", "adit_jobrunner": project / "jobrunner"}
    for guard, removal in REMOVALS.items():
        for package, root in sources.items():
            shutil.copytree(
                root / package, folder / guard / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        file = folder / guard / removal.file
        file.write_text(without(file.read_text(encoding="utf-8"), guard, removal), encoding="utf-8")
    command = [sys.executable, str(project / "tests/operator/guards/survive.py"), str(folder), *REMOVALS]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    return dict(line.split("\t", 1) for line in answer.stdout.splitlines() if "\t" in line)


def test_every_marked_guard_has_an_example_and_a_removal(project: Path) -> None:
    marked = guards_in(project / "operator") | guards_in(project / "jobrunner")
    assert set(marked) - ELSEWHERE == set(EXAMPLES) == set(REMOVALS)
    assert {guard: marked[guard] for guard in REMOVALS} == {guard: one.file for guard, one in REMOVALS.items()}


@pytest.mark.parametrize("guard", EXAMPLES)
async def test_with_its_guards_the_operator_survives(guard: str, tmp_path: Path) -> None:
    flock, steps = EXAMPLES[guard]
    await survive(tmp_path / "data", flock, steps)


@pytest.mark.parametrize("guard", REMOVALS)
def test_without_this_guard_its_example_is_caught(guard: str, verdicts: dict[str, str]) -> None:
    assert verdicts[guard].startswith("caught: "), verdicts[guard]
