"""Whether the benchmark of de-identification measures what it says, and finds a repetition that did not do it."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.data_path.place import Place, Scale
from benchmarks.pseudonymize.engine import in_one_place
from benchmarks.pseudonymize.proof import files_problem
from benchmarks.pseudonymize.rows import GROUPS, ROWS
from benchmarks.pseudonymize.slices import write_scanner_slices
from benchmarks.studies import StudyFiles


@pytest.fixture
def study(tmp_path: Path) -> StudyFiles:
    return write_scanner_slices(tmp_path / "data", 4)


def test_two_workers_do_the_whole_study_and_say_what_it_took(tmp_path: Path, study: StudyFiles) -> None:
    with ExitStack() as stack:
        place = Place(tmp_path, tmp_path, Scale(4), stack)
        attempt = in_one_place("memoised", workers=2, rounds=2)(place, study)
    assert attempt.problem == ""
    assert attempt.wall > 0
    assert attempt.peaks["engine"] > 1_000_000


def test_files_that_were_only_copied_are_no_result(tmp_path: Path, study: StudyFiles) -> None:
    copied = Path(shutil.copytree(study.directory, tmp_path / "copied"))
    assert files_problem(study, copied, ours=True) == "some have their original UIDs"
    next(copied.iterdir()).unlink()
    assert files_problem(study, copied, ours=True) == "3 of 4 are there"


def test_every_row_has_a_reference_and_a_goal() -> None:
    assert GROUPS == ("engine", "through", "installed")
    for row in ROWS:
        assert row.contenders[0].goal is None, row.name
        assert any(one.goal for one in row.contenders), row.name
