"""The patients of the demo and of `adit populate`: fictional ones of every character set, and the files of pydicom."""

import shutil
from pathlib import Path

from adit.testing import patients
from adit.testing.datasets import Study, ct_study, mr_study, pr_study, sr_study, us_study
from adit.testing.pydicom_files import valid_instances


def example_studies() -> tuple[Study, ...]:
    """Twelve synthetic studies of eight patients."""
    return (
        ct_study(patients.PLAIN, instances=40, rows=256, report=True),
        ct_study(patients.PLAIN, instances=20, rows=128, label="ct-follow-up", date="20240715"),
        mr_study(patients.UMLAUT, series=3, instances=12, rows=128),
        sr_study(patients.UMLAUT),
        us_study(patients.GREEK, frames=20, rows=128),
        ct_study(patients.GREEK, instances=15, rows=128, report=True, date="20240311"),
        mr_study(patients.JAPANESE, series=2, instances=15, rows=128),
        pr_study(patients.JAPANESE),
        ct_study(patients.UTF8, instances=30, rows=128),
        mr_study(patients.CYRILLIC, series=2, instances=10, rows=128),
        us_study(patients.SUFFIXES, frames=8, rows=256),
        pr_study(patients.ACCENTS, instances=12),
    )


def example_patients(directory: Path) -> list[Path]:
    """Write the whole example set below `directory`, one folder for each study; returns the paths."""
    paths: list[Path] = []
    for study in example_studies():
        paths += study.write(directory / study.study_instance_uid)
    for instance in valid_instances():
        folder = directory / instance.study_instance_uid
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{instance.sop_instance_uid}.dcm"
        shutil.copyfile(instance.path, path)
        paths.append(path)
    return paths
