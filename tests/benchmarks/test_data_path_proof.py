"""Whether the proof of a repetition finds what did not arrive, or arrived otherwise; and one row with real peers."""

import os
import shutil
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from adit.testing.part10 import read_meta
from adit.testing.pytest_plugin import skip_or_fail
from benchmarks.data_path import programs, proof, ways
from benchmarks.data_path.place import Place, Scale
from benchmarks.data_path.rows import GROUPS, ROWS
from benchmarks.studies import StudyFiles, write_slices


@pytest.fixture
def study(tmp_path: Path) -> StudyFiles:
    return write_slices(tmp_path / "data", "ct", 3, rows=16)


@pytest.fixture
def arrived(tmp_path: Path, study: StudyFiles) -> Path:
    return Path(shutil.copytree(study.directory, tmp_path / "arrived"))


def test_everything_as_it_was_is_no_problem(study: StudyFiles, arrived: Path) -> None:
    assert proof.folder_problem(study, arrived) == ""


def test_a_missing_instance_is_found(study: StudyFiles, arrived: Path) -> None:
    proof.files(arrived)[0].unlink()
    assert proof.folder_problem(study, arrived) == "1 of 3 are missing, 0 are not of the study"


def test_a_strange_instance_is_found(study: StudyFiles, arrived: Path) -> None:
    fewer = replace(study, sop_instance_uids=frozenset(sorted(study.sop_instance_uids)[:2]))
    assert proof.folder_problem(fewer, arrived) == "0 of 2 are missing, 1 are not of the study"


def test_a_changed_byte_is_found(study: StudyFiles, arrived: Path) -> None:
    path = proof.files(arrived)[1]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert proof.folder_problem(study, arrived) == "1 sampled data sets were changed"
    assert proof.folder_problem(study, arrived, same=proof.equal) == "1 sampled data sets were changed"


def test_another_file_meta_is_no_change(study: StudyFiles, arrived: Path) -> None:
    path = proof.files(arrived)[0]
    offset = read_meta(path).offset
    content = path.read_bytes()
    path.write_bytes(b"\1" * 128 + content[128:offset] + content[offset:])
    assert proof.folder_problem(study, arrived) == ""


def test_half_a_file_is_told_as_such(study: StudyFiles, arrived: Path) -> None:
    path = proof.files(arrived)[0]
    path.write_bytes(path.read_bytes()[:100])
    assert "not a DICOM Part-10 file" in proof.folder_problem(study, arrived)


def test_times_between_instances_are_those_of_their_files(arrived: Path) -> None:
    for path, milliseconds in zip(proof.files(arrived), (0, 40, 42), strict=True):
        os.utime(path, ns=(0, milliseconds * 1_000_000))
    assert proof.gaps(proof.files(arrived)) == pytest.approx((0.04, 0.002))


def test_a_sample_has_the_first_and_the_last() -> None:
    paths = [Path(str(number)) for number in range(500)]
    sampled = proof.sample(paths)
    assert (sampled[0], sampled[-1], len(sampled), len(set(sampled))) == (paths[0], paths[-1], 12, 12)


def test_every_row_has_a_reference_that_is_not_ours_and_is_named_once() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert not row.contenders[0].ours
        assert len({one.name for one in row.contenders}) == len(row.contenders)
    assert GROUPS == ("send", "receive", "get", "move", "large", "find", "through", "installed", "memory")


def test_the_sizes_are_those_that_are_promised() -> None:
    assert Scale(500).sizes == {"ct": 500, "mr": 2000, "large": 400, "few": 200, "many": 5000, "tiny": 1}
    assert Scale(500).studies == 1000


@pytest.mark.peer
def test_a_study_is_sent_by_dcmtk_and_by_the_connector_and_proved(tmp_path: Path) -> None:
    skip_or_fail("storescp")
    skip_or_fail("dcmsend")
    with ExitStack() as stack:
        place = Place(tmp_path, tmp_path, Scale(5), stack)
        study = place.study("few")
        for way in (ways.send(programs.dcmsend, "storescp"), ways.store_by_connector("storescp")):
            attempt = way(place, study)
            assert attempt.problem == ""
            assert len(attempt.gaps) == study.instances - 1
            assert attempt.wall > 0


@pytest.mark.peer
def test_a_program_that_sends_nothing_is_invalid(tmp_path: Path) -> None:
    skip_or_fail("storescp")
    with ExitStack() as stack:
        place = Place(tmp_path, tmp_path, Scale(5), stack)
        attempt = ways.send(lambda _sink, _study: ["true"], "storescp")(place, place.study("few"))
        assert attempt.problem == "2 of 2 are missing, 0 are not of the study"
