"""Each measurement once with a handful of instances and real peers, so that the benchmarks cannot rot unseen."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from adit.testing.programs import Storescp
from adit.testing.pytest_plugin import skip_or_fail
from benchmarks.peers import OrthancPeer, StorescpPeer, start_orthanc
from benchmarks.processes import run
from benchmarks.scenarios import SCENARIOS, Scale, sample
from benchmarks.studies import StudyFiles, write_clip, write_slices
from benchmarks.variants import Cost, Move, pipeline

pytestmark = pytest.mark.peer


@pytest.fixture
def study(tmp_path: Path) -> StudyFiles:
    return write_slices(tmp_path / "data", "ct", 6, rows=16)


@pytest.fixture
def move(tmp_path: Path, study: StudyFiles) -> Iterator[Move]:
    """From a filled Orthanc to an empty storescp."""
    skip_or_fail("Orthanc")
    skip_or_fail("storescp")
    with start_orthanc(tmp_path, "source", tcp_nodelay=True) as source, Storescp(tmp_path / "scp") as destination:
        filled = OrthancPeer(source, "source")
        filled.fill(study)
        yield Move(study, filled, StorescpPeer(destination, "destination"), tcp_nodelay=True, folder=tmp_path / "work")


def test_what_did_not_arrive_makes_a_repetition_invalid(move: Move) -> None:
    measured = sample(move, lambda _: Cost(1.0, 1.0, 1))
    assert measured.cost.problem == "the destination lacks 6 of 6, has 0 others"


def test_every_repetition_starts_from_an_empty_destination(move: Move) -> None:
    assert sample(move, pipeline).cost.problem == ""
    assert sample(move, lambda _: Cost(1.0, 1.0, 1)).cost.problem == "the destination lacks 6 of 6, has 0 others"


def test_the_stages_of_the_pipeline_add_up_to_its_time(move: Move) -> None:
    cost = sample(move, pipeline).cost
    stages = [cost.parts[f"{stage} s"] for stage in ("list", "move", "verify")]
    assert sum(stages) == pytest.approx(cost.wall)
    assert all(stages)


@pytest.mark.parametrize("name", ["ct-storescp-nagle", "small-orthanc", "clip-orthanc"])
def test_a_scenario_is_measured_by_all_variants(name: str, project: Path) -> None:
    skip_or_fail("Orthanc")
    skip_or_fail("dcmsend")
    command = [sys.executable, "-m", "benchmarks", "--instances", "6", "--reps", "1", "--only", name]
    ended = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    measured = re.findall(r"^\| (dcmtk|pipeline|adit run) \|", ended.stdout, flags=re.MULTILINE)
    assert measured == ["dcmtk", "pipeline", "adit run"] * (3 if name == "small-orthanc" else 1)
    assert "held" in ended.stdout


def test_the_default_sizes_are_those_that_are_promised() -> None:
    scale = Scale(500, 3, 0.0)
    assert (scale.small, scale.frames) == ((100, 1000, 5000), 400)
    assert {(one.destination, one.tcp_nodelay) for one in SCENARIOS if one.kind == "ct"} == {
        (destination, nagle) for destination in ("Orthanc", "storescp") for nagle in (True, False)
    }


def test_slices_are_readable_and_have_as_many_elements_as_a_scanner_writes(study: StudyFiles) -> None:
    read = [dcmread(path) for path in sorted(study.directory.iterdir())]
    assert {dataset.SOPInstanceUID for dataset in read} == study.sop_instance_uids
    assert {dataset.StudyInstanceUID for dataset in read} == {study.study_instance_uid}
    assert len({dataset.PixelData for dataset in read}) == 6
    assert sum(1 for _ in read[0].iterall()) > 190


def test_a_clip_is_one_instance_with_all_its_frames(tmp_path: Path) -> None:
    clip = write_clip(tmp_path, "clip", frames=2)
    [path] = clip.directory.iterdir()
    assert dcmread(path).pixel_array.shape == (2, 512, 512)


def test_memory_and_cpu_of_a_program_are_its_own(tmp_path: Path) -> None:
    work = "x = bytearray(64 << 20); import time; e = time.process_time() + 0.3\nwhile time.process_time() < e: pass"
    ended = run([sys.executable, "-c", work], environment={}, folder=tmp_path, limit_seconds=30)
    assert 64 << 20 < ended.peak < 128 << 20
    assert 0.3 <= ended.cpu < 2


def test_the_children_of_a_program_count_with_it(tmp_path: Path) -> None:
    child = "import time; e = time.process_time() + 0.3\nwhile time.process_time() < e: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}, 'adit_jobrunner'])"
    ended = run([sys.executable, "-c", parent], environment={}, folder=tmp_path, limit_seconds=30)
    assert ended.cpu >= 0.3
    assert ended.peaks["runner"] > 0


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    ended = run(["sleep", "60"], environment={"PATH": "/usr/bin:/bin"}, folder=tmp_path, limit_seconds=0.1)
    assert ended.returncode != 0
    assert "its limit" in ended.stderr
    assert ended.wall < 10
