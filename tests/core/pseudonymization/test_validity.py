"""dciodvfy, a validator that is not ours, finds no error in what leaves that it did not find in what came."""

import re
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from pydicom import dcmread

from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.pseudonymization import BUILT_IN, Profile, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.datasets import Study, ct_study, mr_study, pr_study, referring_study, sr_study, us_study
from adit.testing.patients import JAPANESE, PLAIN
from adit.testing.pydicom_files import pydicom_file
from adit.transfer.instance import Instance
from adit.transfer.outcomes import Rewritten
from adit.transfer.part10 import front_of, open_part10
from adit.transfer.rewriter import Subject

SOP = "SOPInstanceUID"
VALIDATOR = Path(sys.executable).with_name("dciodvfy")
REAL: tuple[str, ...] = (
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_implicit.dcm",
    "rtplan.dcm",
    "rtdose_1frame.dcm",
    "waveform_ecg.dcm",
)
REAL += ("liver_1frame.dcm", "examples_overlay.dcm", "test-SR.dcm", "MR_small_RLE.dcm")
# It refers to one UID as an instance, which the option retains, and as a plain UID, which the table has it replace.
RETAINED_IN_PART = ("retain", "test-SR.dcm")
# What our synthetic objects lack that their modules want, so that little is wrong before.
COMPLETION = {"PositionReferenceIndicator": "", "Laterality": "", "AcquisitionNumber": "1", "PatientOrientation": ""}
COMPLETION |= {"ScanOptions": "", "EchoTrainLength": "1", "PatientPosition": "HFS", "BurnedInAnnotation": "NO"}
RETAIN = ("RetainUIDs", "RetainDeviceIdentity", "RetainInstitutionIdentity", "RetainPatientCharacteristics")
CLEAN = ("CleanDescriptors", "CleanStructuredContent", "CleanGraphics")
WHOLE = ("basic", "adit-compatible", "retain", "clean")
PROFILES: Mapping[str, tuple[str, ...]] = {
    "retain": (*RETAIN, "RetainLongitudinalFullDates"),
    "clean": (*CLEAN, "RetainLongitudinalModifiedDates"),
    **{option: (option,) for option in (*RETAIN, *CLEAN)},
    "FullDates": ("RetainLongitudinalFullDates",),
    "ModifiedDates": ("RetainLongitudinalModifiedDates",),
}


def profile(name: str) -> Profile:
    if name in BUILT_IN:
        return BUILT_IN[name]
    return Profile("test", PseudonymizationProfileSpec.of({"options": list(PROFILES[name])}))


@cache
def errors_before(path: Path) -> frozenset[str]:
    """Those of a file that nobody changes."""
    return errors_of(path)


def errors_of(path: Path) -> frozenset[str]:
    """What dciodvfy calls errors, without the values that it quotes."""
    said = subprocess.run([VALIDATOR, path], capture_output=True, check=False, timeout=30)
    assert said.returncode in (0, 1, 250), said.returncode
    lines = (said.stdout + said.stderr).decode("latin-1").splitlines()
    return frozenset(
        re.sub(r"= <.*|\d+ bytes|\[\d+\]|\d+(\.\d+){2,}", "", line).strip() for line in lines if "Error" in line
    )


def opened(path: Path) -> Instance:
    """As a data set: some real files are named otherwise in front of it."""
    return replace(open_part10(path), sop_instance_uid=str(dcmread(path, specific_tags=[SOP])[SOP].value))


def written(instance: Instance, path: Path) -> Path:
    path.write_bytes(front_of(instance) + b"".join(instance.chunks()))
    return path


def new_errors(paths: list[Path], name: str, folder: Path) -> dict[str, list[str]]:
    rewriter = Pseudonymizer(profile(name), ProjectKey(bytes(range(32))), frozenset())
    found: dict[str, list[str]] = {}
    for path in paths:
        outcome = rewriter.rewrite(opened(path), Subject("PSEUDO-17", trial_id="T", trial_name="Trial"))
        assert isinstance(outcome, Rewritten), (path.name, outcome)
        after = errors_of(written(outcome.instance, folder / "after.dcm"))
        if after and (new := after - errors_before(path)):
            found[path.name] = sorted(new)
    return found


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return completed_objects(tmp_path_factory.mktemp("synthetic"))


def completed_objects(folder: Path) -> list[Path]:
    studies: tuple[Study, ...] = (
        ct_study(PLAIN, instances=1, rows=16),
        mr_study(JAPANESE, series=1, instances=1, rows=16),
        us_study(PLAIN, frames=1, rows=16),
        sr_study(PLAIN),
        pr_study(PLAIN, instances=1),
        referring_study(PLAIN, instances=1),
    )
    paths = [path for number, study in enumerate(studies) for path in study.write(folder / str(number))]
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(path)
            for keyword, value in COMPLETION.items():
                dataset.setdefault(keyword, value)
            dataset.save_as(path)
    return paths


@pytest.mark.parametrize("name", WHOLE)
def test_synthetic_objects_stay_as_valid_as_they_were(tmp_path: Path, synthetic: list[Path], name: str) -> None:
    assert new_errors(synthetic, name, tmp_path) == {}


@pytest.mark.parametrize("name", [name for name in PROFILES if name not in WHOLE])
def test_no_option_alone_makes_an_object_invalid(tmp_path: Path, synthetic: list[Path], name: str) -> None:
    assert new_errors(synthetic[-5:], name, tmp_path) == {}


@pytest.mark.parametrize("name", WHOLE)
def test_real_objects_stay_as_valid_as_they_were(tmp_path: Path, name: str) -> None:
    names = [one for one in REAL if (name, one) != RETAINED_IN_PART]
    assert new_errors([pydicom_file(one) for one in names], name, tmp_path) == {}
