"""What refers to each other goes on doing so: over objects, processes and runs of one key, and under no other key."""

import json
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.filereader import read_dataset

from adit.pseudonymization import BUILT_IN, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.datasets import referring_study
from adit.testing.patients import UMLAUT
from adit.transfer.outcomes import Rewritten
from adit.transfer.part10 import open_part10
from adit.transfer.rewriter import Subject

KEY = ProjectKey(bytes(range(32)))
SUBJECT = Subject(pseudonym="PSEUDO-17")
WELL_KNOWN = "1.2.840.10008."


def rewritten(paths: list[Path], key: ProjectKey = KEY) -> list[Dataset]:
    """In one run of a rewriter of its own."""
    rewriter = Pseudonymizer(BUILT_IN["basic"], key, frozenset())
    outcomes = [rewriter.rewrite(open_part10(path), SUBJECT) for path in paths]
    assert all(isinstance(outcome, Rewritten) for outcome in outcomes), outcomes
    instances = [outcome.instance for outcome in outcomes if isinstance(outcome, Rewritten)]
    data_sets = [BytesIO(b"".join(instance.chunks())) for instance in instances]
    return [read_dataset(data_set, is_implicit_VR=False, is_little_endian=True) for data_set in data_sets]


def referred(dataset: Dataset) -> Iterator[str]:
    """Every instance that it names in any sequence."""
    yield from (str(one.value) for one in dataset.iterall() if one.keyword == "ReferencedSOPInstanceUID")


def all_uids(datasets: list[Dataset]) -> list[str]:
    """Every UID of any of them, in order, but those that stand for a meaning."""
    found = [str(one.value) for dataset in datasets for one in dataset.iterall() if one.VR == "UI"]
    return [one for one in found if not one.startswith(WELL_KNOWN)]


@pytest.mark.parametrize("modality", ["RTSTRUCT", "SEG", "KO", "SR"])
def test_references_name_the_new_images(tmp_path: Path, modality: str) -> None:
    datasets = rewritten(referring_study(UMLAUT).write(tmp_path))
    images = {str(one.SOPInstanceUID) for one in datasets if one.Modality == "CT"}
    [referring] = [one for one in datasets if one.Modality == modality]
    studies = {str(one.StudyInstanceUID) for one in datasets}
    assert len(images) == 3
    assert images <= set(referred(referring)) <= images | studies
    assert len(studies) == 1


def test_series_and_frames_of_reference_stay_together(tmp_path: Path) -> None:
    datasets = rewritten(referring_study(UMLAUT).write(tmp_path))
    [series] = {str(one.SeriesInstanceUID) for one in datasets if one.Modality == "CT"}
    [frame] = {str(one.FrameOfReferenceUID) for one in datasets if one.Modality == "CT"}
    [structures] = [one for one in datasets if one.Modality == "RTSTRUCT"]
    [reference] = structures.ReferencedFrameOfReferenceSequence
    listed = reference.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert (listed.SeriesInstanceUID, reference.FrameOfReferenceUID) == (series, frame)
    assert structures.StructureSetROISequence[0].ReferencedFrameOfReferenceUID == frame


def test_every_uid_is_new_and_no_two_become_one(tmp_path: Path) -> None:
    paths = referring_study(UMLAUT).write(tmp_path)
    before, after = set(all_uids([dcmread(path) for path in paths])), set(all_uids(rewritten(paths)))
    rewriter = Pseudonymizer(BUILT_IN["basic"], KEY, frozenset())
    assert before.isdisjoint(after)
    assert len({rewriter.rewritten_uid(one) for one in before}) == len(before)


def test_another_process_makes_the_same_uids_of_the_same_files(tmp_path: Path, project: Path) -> None:
    paths = referring_study(UMLAUT).write(tmp_path)
    code = (
        "import json, sys; from pathlib import Path\n"
        "from tests.core.pseudonymization.test_references import all_uids, rewritten\n"
        "print(json.dumps(all_uids(rewritten([Path(one) for one in sys.argv[1:]]))))"
    )
    command = [sys.executable, "-c", code, *map(str, reversed(paths))]
    there = subprocess.run(command, capture_output=True, text=True, check=True, cwd=project)
    assert sorted(json.loads(there.stdout)) == sorted(all_uids(rewritten(paths)))


def test_another_key_makes_others(tmp_path: Path) -> None:
    paths = referring_study(UMLAUT).write(tmp_path)
    assert set(all_uids(rewritten(paths))).isdisjoint(all_uids(rewritten(paths, ProjectKey(bytes(32)))))


def test_pixels_are_those_that_came(tmp_path: Path) -> None:
    paths = [path for path in referring_study(UMLAUT).write(tmp_path) if "PixelData" in dcmread(path)]
    assert len(paths) == 4
    assert [one.PixelData for one in rewritten(paths)] == [dcmread(path).PixelData for path in paths]
