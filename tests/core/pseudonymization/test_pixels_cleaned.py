"""Burned-in text on its whole way: a known device's image is blanked, marked, and leaves as a valid object."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from adit.api.pseudonymization_profile import PixelRegions, PseudonymizationProfileSpec, Rectangle
from adit.pseudonymization import Profile, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.pydicom_files import pydicom_file
from adit.transfer.outcomes import Quarantined, RewriteOutcome, Rewritten
from adit.transfer.part10 import front_of, open_part10
from adit.transfer.rewriter import Subject
from tests.core.pseudonymization.test_validity import errors_of

CORNER = Rectangle(left=0, top=0, width=60, height=20)


def spooled(name: str, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(pydicom_file(name).read_bytes())
    return path


def rewritten(path: Path, regions: Sequence[Rectangle]) -> RewriteOutcome:
    image = dcmread(path, stop_before_pixels=True)
    device = PixelRegions(
        manufacturer=str(image.Manufacturer).swapcase(), rows=image.Rows, columns=image.Columns, regions=tuple(regions)
    )
    spec = PseudonymizationProfileSpec(options=("CleanPixelData",), pixel_regions=(device,))
    pseudonymizer = Pseudonymizer(Profile("test", spec), ProjectKey(bytes(32)), frozenset())
    return pseudonymizer.rewrite(open_part10(path), Subject("P-1", "TRIAL"))


def written(outcome: RewriteOutcome, target: Path) -> Dataset:
    assert isinstance(outcome, Rewritten), outcome
    target.write_bytes(front_of(outcome.instance) + b"".join(outcome.instance.chunks()))
    return dcmread(target)


@pytest.mark.parametrize(
    "name", ["examples_ybr_color.dcm", "examples_palette.dcm", "examples_rgb_color.dcm", "MR_small_bigendian.dcm"]
)
def test_a_known_device_is_blanked_and_leaves_as_valid_as_it_came(tmp_path: Path, name: str) -> None:
    path = spooled(name, tmp_path)
    after = written(rewritten(path, [CORNER]), tmp_path / "after.dcm")
    image = dcmread(path)
    frames = after.pixel_array.reshape(-1, image.Rows, image.Columns, image.SamplesPerPixel)
    assert not frames[:, :20, :60].any()
    assert np.any(frames[:, 20:])
    assert after.BurnedInAnnotation == "NO"
    assert "113101" in {str(code.CodeValue) for code in after.DeidentificationMethodCodeSequence}
    assert errors_of(tmp_path / "after.dcm") <= errors_of(path)


def test_a_device_that_is_not_known_is_held(tmp_path: Path) -> None:
    path = spooled("examples_rgb_color.dcm", tmp_path)
    spec = PseudonymizationProfileSpec()
    outcome = Pseudonymizer(Profile("test", spec), ProjectKey(bytes(32)), frozenset()).rewrite(
        open_part10(path), Subject("P-1")
    )
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "MayHoldBurnedInText"


def test_a_region_outside_of_the_image_holds_it_and_leaves_no_file(tmp_path: Path) -> None:
    path = spooled("examples_ybr_color.dcm", tmp_path)
    outcome = rewritten(path, [CORNER, Rectangle(left=0, top=230, width=1, height=11)])
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "RegionOutsideImage"
    assert list(tmp_path.iterdir()) == [path]
