"""Synthetic studies for tests, demo and benchmarks: a study is described as a value, then written as Part-10 files.

Everything is deterministic: the same description gives the same UIDs and the same bytes. The objects of each modality
are in objects.py and referring.py, irregular encodings in odd_files.py, the set of the demo in example_patients.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset

from adit.testing import objects, referring
from adit.testing.patients import Patient, uid


@dataclass(frozen=True, slots=True)
class Series:
    """A series of `instances` objects, each made by `make(study, series, number)` of objects.py."""

    number: int
    modality: str
    make: Callable[["Study", "Series", int], Dataset]
    instances: int = 1
    description: str = ""
    rows: int = 64
    frames: int = 1
    transfer_syntax_uid: str = "1.2.840.10008.1.2.1"

    def uid_in(self, study: "Study") -> str:
        return uid(study.study_instance_uid, "series", self.number)


@dataclass(frozen=True, slots=True)
class Study:
    """A study of one patient; `label` keeps several studies of a patient apart."""

    patient: Patient
    label: str
    series: tuple[Series, ...]
    date: str = "20240115"
    time: str = "101500"
    description: str = ""
    accession_number: str = ""
    study_instance_uid: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "study_instance_uid", uid(self.patient.patient_id, "study", self.label))

    def datasets(self) -> Iterator[Dataset]:
        """Every instance with its file meta information, one at a time."""
        for series in self.series:
            for number in range(1, series.instances + 1):
                yield series.make(self, series, number)

    def write(self, directory: Path) -> list[Path]:
        """Write one Part-10 file for each instance; returns the paths in the order of the study."""
        directory.mkdir(parents=True, exist_ok=True)
        paths: list[Path] = []
        for dataset in self.datasets():
            path = directory / f"{dataset.SOPInstanceUID}.dcm"
            dataset.save_as(path, enforce_file_format=True)
            paths.append(path)
        return paths


def ct_study(
    patient: Patient,
    *,
    instances: int = 20,
    rows: int = 64,
    report: bool = False,
    label: str = "ct",
    date: str = "20240115",
) -> Study:
    """A CT of one axial series, with a structured report when asked for."""
    series = [Series(1, "CT", objects.ct_image, instances, "Thorax axial", rows)]
    if report:
        series.append(Series(99, "SR", objects.structured_report, 1, "Radiology report"))
    return Study(patient, label, tuple(series), date, description="CT Thorax", accession_number=f"A{label[:8]}1")


def mr_study(
    patient: Patient, *, series: int = 2, instances: int = 12, rows: int = 64, label: str = "mr", date: str = "20240220"
) -> Study:
    """An MR of several series of equal size."""
    names = ("T1 sagittal", "T2 axial", "FLAIR axial", "DWI axial")
    made = (
        Series(number, "MR", objects.mr_image, instances, names[(number - 1) % len(names)], rows)
        for number in range(1, series + 1)
    )
    return Study(patient, label, tuple(made), date, description="MR Head", accession_number=f"A{label[:8]}2")


def us_study(patient: Patient, *, frames: int = 10, rows: int = 64, label: str = "us", date: str = "20240310") -> Study:
    """An ultrasound clip: one multi-frame RGB instance of frames x rows x rows x 3 bytes."""
    clip = Series(1, "US", objects.us_clip, 1, "Four chamber", rows, frames)
    return Study(patient, label, (clip,), date, description="Echocardiography", accession_number=f"A{label[:8]}3")


def sr_study(patient: Patient, *, label: str = "sr", date: str = "20240401") -> Study:
    """A study that holds nothing but a structured report."""
    report = Series(1, "SR", objects.structured_report, 1, "Radiology report")
    return Study(patient, label, (report,), date, description="Report", accession_number=f"A{label[:8]}4")


def pr_study(patient: Patient, *, instances: int = 3, label: str = "pr", date: str = "20240402") -> Study:
    """A CT with a grayscale presentation state that refers to it."""
    series = (
        Series(1, "CT", objects.ct_image, instances, "Thorax axial"),
        Series(50, "PR", objects.presentation_state, 1, "Marked finding"),
    )
    return Study(patient, label, series, date, description="CT with marks", accession_number=f"A{label[:8]}5")


def referring_study(patient: Patient, *, instances: int = 3, label: str = "referring") -> Study:
    """A CT, and one of each kind of object that refers to all of its images."""
    series = (
        Series(1, "CT", objects.ct_image, instances, "Thorax axial"),
        Series(2, "RTSTRUCT", referring.structure_set),
        Series(3, "SEG", referring.segmentation),
        Series(4, "KO", referring.key_objects),
        Series(5, "SR", referring.measured_report),
    )
    return Study(patient, label, series, description="CT Thorax", accession_number=f"A{label[:8]}6")
