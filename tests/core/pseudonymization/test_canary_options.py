"""Each option of PS3.15 Annex E.3 keeps exactly the attributes that its column of Table E.1-1 names."""

from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import pytest
from pydicom import Dataset
from pydicom.filereader import read_dataset

from adit.api.pseudonymization_profile import Option, PseudonymizationProfileSpec
from adit.pseudonymization import ADIT_COMPATIBLE, BUILT_IN, Profile, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.canary import Attribute, attributes, left
from adit.testing.canary_places import (
    CanaryInstance,
    Place,
    at_top_level,
    canary_instance,
    two_deep_in_an_unlisted_sequence,
)
from adit.testing.elements import EXPLICIT_LITTLE
from adit.transfer.outcomes import Rewritten
from adit.transfer.rewriter import Subject

OPTIONS: tuple[Option, ...] = get_args(Option)
MODIFIED: Option = "RetainLongitudinalModifiedDates"
REGIONS = [
    {"manufacturer": "X", "rows": 1, "columns": 1, "regions": [{"left": 0, "top": 0, "width": 1, "height": 1}]},
]
WITH: Mapping[str, Mapping[str, Any]] = {
    "RetainSafePrivate": {"privateAttributes": {"policy": "SafeList"}},
    "CleanPixelData": {"pixelRegions": REGIONS},
}
# What goes whatever an option says: the service's own groups, curves and overlays, in whose bits nobody can read text,
# and the time of a signature that is gone.
GONE_GROUPS = frozenset({0x0000, 0x0002, 0x5002, 0x6002})
CERTIFIED_TIMESTAMP = 0x04000310
CLEANABLE = frozenset({"DA", "DT", "LO", "LT", "SH", "SQ", "ST", "TM", "UC", "UT"})
# Kept where it is an offset, which no canary is: tests of the pseudonymizer.
OFFSETS = {0x00080201}


def profile(*options: Option) -> Profile:
    extra = {key: value for option in options for key, value in WITH.get(option, {}).items()}
    return Profile("test", PseudonymizationProfileSpec.of({"options": list(options), **extra}))


def leaving(caged: CanaryInstance, *options: Option) -> bytes:
    return leaving_by(profile(*options), caged)


def leaving_by(by: Profile, caged: CanaryInstance) -> bytes:
    rewriter = Pseudonymizer(by, ProjectKey(bytes(range(32))), frozenset())
    outcome = rewriter.rewrite(caged.instance, Subject(pseudonym="PSEUDO-17"))
    assert isinstance(outcome, Rewritten), outcome
    return b"".join(outcome.instance.chunks())


def decoded(data_set: bytes) -> Dataset:
    return read_dataset(BytesIO(data_set), is_implicit_VR=False, is_little_endian=True)


def day(elements: Dataset, tag: int) -> date:
    return datetime.strptime(str(elements[tag].value)[:8], "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone


def named(option: Option, letter: str) -> list[Attribute]:
    """The attributes with this letter in the option's column that a data set may have, and a C that can be cleaned."""
    return [
        one
        for one in attributes()
        if one.row.options.get(option) == letter
        and one.tag >> 16 not in GONE_GROUPS
        and one.tag != CERTIFIED_TIMESTAMP
        and (letter == "K" or one.vr in CLEANABLE)
    ]


@pytest.mark.parametrize("place", [at_top_level, two_deep_in_an_unlisted_sequence], ids=["top", "nested"])
@pytest.mark.parametrize("option", [one for one in OPTIONS if one != MODIFIED])
def test_an_option_keeps_exactly_its_attributes(tmp_path: Path, option: Option, place: Place) -> None:
    caged = canary_instance(tmp_path, place, EXPLICIT_LITTLE)
    kept = {one.tag for one in left(caged.canaries, leaving(caged, option))}
    wanted = {one.tag for one in named(option, "K") if one.vr != "SQ"}
    cleaned = {one.tag for one in attributes() if one.row.options.get(option) == "C"}
    assert {f"{tag:08X}" for tag in kept - wanted - cleaned} == set()
    assert {f"{tag:08X}" for tag in wanted - kept - OFFSETS} == set()


@pytest.mark.parametrize("option", OPTIONS)
def test_what_an_option_keeps_or_cleans_is_still_there(tmp_path: Path, option: Option) -> None:
    caged = canary_instance(tmp_path, at_top_level, EXPLICIT_LITTLE)
    after = decoded(leaving(caged, option))
    there = [one for letter in "KC" for one in named(option, letter)]
    assert [one.keyword for one in there if one.tag not in after] == []


def test_modified_dates_all_move_by_one_number_of_days(tmp_path: Path) -> None:
    caged = canary_instance(tmp_path, at_top_level, EXPLICIT_LITTLE)
    before, after = decoded(caged.data_set), decoded(leaving(caged, MODIFIED))
    moved = [one for one in named(MODIFIED, "C") if one.vr in ("DA", "DT")]
    shifts = {(day(after, one.tag) - day(before, one.tag)).days for one in moved}
    assert len(moved) > 50
    assert len(shifts) == 1
    assert -1826 <= shifts.pop() <= -31


def test_modified_dates_keep_nothing_else(tmp_path: Path) -> None:
    caged = canary_instance(tmp_path, at_top_level, EXPLICIT_LITTLE)
    after = leaving(caged, MODIFIED)
    elsewhere = [one for one in caged.canaries if one.vr not in ("DA", "DT")]
    named_here = {one.tag for one in named(MODIFIED, "C")}
    assert {f"{one.tag:08X}" for one in left(elsewhere, after)} <= {f"{tag:08X}" for tag in named_here}


def test_adit_compatible_keeps_the_dates_of_the_examination_beside_its_options(tmp_path: Path) -> None:
    caged = canary_instance(tmp_path, at_top_level, EXPLICIT_LITTLE)
    by = BUILT_IN[ADIT_COMPATIBLE]
    kept = {one.tag for one in left(caged.canaries, leaving_by(by, caged))}
    dates = {int(one.tag, 16) for one in by.spec.overrides if one.action == "Keep"}
    wanted = {one.tag for option in by.spec.options for one in named(option, "K") if one.vr != "SQ"} | dates
    cleaned = {one.tag for one in attributes() if one.row.options.get("CleanDescriptors") == "C"}
    characteristics = {one.tag for one in attributes() if one.row.options.get("RetainPatientCharacteristics") == "C"}
    assert len(dates) == 10
    assert {f"{tag:08X}" for tag in kept - wanted - cleaned - characteristics} == set()
    assert {f"{tag:08X}" for tag in wanted - kept - OFFSETS} == set()


def test_all_options_together_keep_no_more_than_each_of_them(tmp_path: Path) -> None:
    options = [one for one in OPTIONS if one != MODIFIED]
    caged = canary_instance(tmp_path, at_top_level, EXPLICIT_LITTLE)
    kept = {one.tag for one in left(caged.canaries, leaving(caged, *options))}
    said = {one.tag for one in attributes() if set(options) & set(one.row.options)}
    assert {f"{tag:08X}" for tag in kept - said} == set()
    assert len(kept) > 200
