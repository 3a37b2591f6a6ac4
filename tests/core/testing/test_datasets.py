"""Synthetic studies are deterministic, readable by others, and as large as they are asked to be."""

import time
import warnings
from pathlib import Path

import pytest
from pydicom import dcmread

from adit.testing import patients
from adit.testing.datasets import ct_study, mr_study, pr_study, sr_study, us_study
from adit.testing.example_patients import example_patients, example_studies
from adit.testing.odd_files import large_file
from adit.testing.pacs import LoopbackPacs
from adit.testing.pacs_index import read_instance
from adit.testing.patients import Patient


def test_the_same_description_gives_the_same_bytes(tmp_path: Path) -> None:
    one = [path.read_bytes() for path in ct_study(patients.PLAIN, instances=2).write(tmp_path / "one")]
    two = [path.read_bytes() for path in ct_study(patients.PLAIN, instances=2).write(tmp_path / "two")]
    assert one == two


def test_labels_keep_studies_of_one_patient_apart() -> None:
    one, two = ct_study(patients.PLAIN), ct_study(patients.PLAIN, label="later")
    assert one.study_instance_uid != two.study_instance_uid
    assert one.series[0].uid_in(one) != two.series[0].uid_in(two)


@pytest.mark.parametrize("patient", patients.PATIENTS, ids=lambda patient: patient.patient_id)
def test_a_name_survives_its_character_set(patient: Patient, tmp_path: Path) -> None:
    [path] = us_study(patient, frames=1, rows=2).write(tmp_path)
    assert dcmread(path).PatientName == patient.name


def test_every_kind_of_study_has_its_modalities() -> None:
    made = {
        "ct": ct_study(patients.PLAIN, instances=1, report=True),
        "mr": mr_study(patients.PLAIN, series=1, instances=1),
        "us": us_study(patients.PLAIN),
        "sr": sr_study(patients.PLAIN),
        "pr": pr_study(patients.PLAIN, instances=1),
    }
    modalities = {name: [dataset.Modality for dataset in study.datasets()] for name, study in made.items()}
    assert modalities == {"ct": ["CT", "SR"], "mr": ["MR"], "us": ["US"], "sr": ["SR"], "pr": ["CT", "PR"]}


def test_pixel_data_are_as_large_as_asked_for() -> None:
    [image] = ct_study(patients.PLAIN, instances=1, rows=512).datasets()
    [clip] = us_study(patients.PLAIN, frames=5, rows=32).datasets()
    assert len(image.PixelData) == 512 * 512 * 2
    assert len(clip.PixelData) == 5 * 32 * 32 * 3


def test_a_presentation_state_refers_to_the_images_of_its_study() -> None:
    *images, state = pr_study(patients.PLAIN, instances=3).datasets()
    [series] = state.ReferencedSeriesSequence
    referred = [item.ReferencedSOPInstanceUID for item in series.ReferencedImageSequence]
    assert referred == [image.SOPInstanceUID for image in images]


def test_a_report_names_its_patient_in_the_text() -> None:
    [report] = sr_study(patients.UMLAUT).datasets()
    assert "Müßterfräu" in report.ContentSequence[0].TextValue


def test_a_large_file_is_one_instance_of_that_size(tmp_path: Path) -> None:
    path = large_file(tmp_path, megabytes=3)
    dataset = dcmread(path)
    assert len(dataset.PixelData) == 3 << 20
    assert dataset.NumberOfFrames == 3
    assert read_instance(path, 1).sop_instance_uid == dataset.SOPInstanceUID


def test_the_example_patients_fit_the_demo(tmp_path: Path) -> None:
    begin = time.monotonic()
    paths = example_patients(tmp_path)
    seconds = time.monotonic() - begin
    instances = [read_instance(path, number) for number, path in enumerate(paths)]
    assert 250 <= len(paths) <= 400
    assert sum(path.stat().st_size for path in paths) < 60_000_000
    assert seconds < 3
    assert len({instance.sop_instance_uid for instance in instances}) == len(paths)
    studies = {(instance.study_instance_uid, instance.patient_id) for instance in instances}
    assert len(studies) == len({instance.study_instance_uid for instance in instances})  # one patient for each study
    assert len(example_studies()) == 12
    assert len({study.patient.patient_id for study in example_studies()}) == 8


def test_a_pacs_serves_every_example(tmp_path: Path) -> None:
    paths = example_patients(tmp_path)
    with LoopbackPacs(tmp_path) as pacs:
        assert {instance.path for instance in pacs.instances()} == set(paths)


def test_synthetic_data_sets_are_conformant_to_pydicom() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for study in example_studies():
            for dataset in study.datasets():
                assert list(dataset.iterall())
    assert caught == []
