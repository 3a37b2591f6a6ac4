"""Names made of values stay single, safe names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.connectors.folder.identity import Identity
from adit.connectors.folder.names import place_of, safe_part, with_hash
from adit.transfer.placement import Placement

PLACEMENT = Placement("adit_transferjob_night_20240116_anna", ("SR", "CT", "CT"))
IDENTITY = Identity(
    study_date="20240115",
    study_time="101530.123",
    patient_id="P1",
    series_number="2",
    series_description="Thorax nativ",
    series_instance_uid="1.2.3.4",
)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("Thorax nativ", "Thorax nativ"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("..", "__"),
        (".", "_"),
        (".hidden", "_hidden"),
        ("../../etc", "___.._etc"),
        ("", "default"),
        ("  \t ", "_"),
        ("   ", "default"),
        (" Müller ", "Müller"),
        ("Mu\u0308ller", "Müller"),
        ("a\0b\nc\x85", "a_b_c_"),
        ("山田", "山田"),
    ],
)
def test_a_value_becomes_a_safe_name(value: str, name: str) -> None:
    assert safe_part(value) == name


@given(st.text(alphabet=st.characters(), max_size=400))
def test_every_text_becomes_one_part_of_a_path(value: str) -> None:
    name = safe_part(value)
    assert name
    assert len(name.encode()) <= 255
    assert not name.startswith(".")
    assert not set(name) & set('<>:"/\\|?*\0')
    assert safe_part(name) == name


def test_two_long_values_that_differ_at_their_end_stay_two_names() -> None:
    first, second = safe_part("ü" * 300 + "1"), safe_part("ü" * 300 + "2")
    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= 255


def test_a_long_series_name_leaves_room_for_its_hash() -> None:
    series = place_of(Identity(series_number="1", series_description="x" * 400), PLACEMENT, "1.2").series
    assert len(with_hash(series, "1.2.3").encode()) <= 255


def test_the_layout_is_that_of_adit() -> None:
    place = place_of(IDENTITY, PLACEMENT, "1.2.3.5")
    assert (place.job, place.patient, place.study, place.series, place.file) == (
        "adit_transferjob_night_20240116_anna",
        "P1",
        "20240115-101530-CT,SR",
        "2-Thorax nativ",
        "1.2.3.5.dcm",
    )


def test_what_is_missing_is_undefined() -> None:
    place = place_of(Identity(series_number="2"), Placement("job"), "1.2")
    assert (place.patient, place.study, place.series) == ("default", "Undefined-Undefined-Undefined", "2-Undefined")


def test_without_a_number_the_series_is_called_by_its_uid() -> None:
    assert place_of(Identity(series_description="x", series_instance_uid="1.2.3"), PLACEMENT, "1.2").series == "1.2.3"


@pytest.mark.parametrize(("time", "name"), [("10:15:30", "101530"), ("1015", "101500"), ("101530", "101530")])
def test_a_time_is_written_in_six_digits(time: str, name: str) -> None:
    place = place_of(Identity(study_date="2024.01.15", study_time=time), PLACEMENT, "1.2")
    assert place.study == f"20240115-{name}-CT,SR"


def test_two_studies_without_date_and_time_do_not_share_a_folder() -> None:
    one, other = (Identity(patient_id="P", study_instance_uid=uid) for uid in ("1.2.3", "1.2.4"))
    placement = Placement("job", ("CT",))
    names = [place_of(identity, placement, "1").study for identity in (one, other, one)]
    assert names[0] == names[2] != names[1]
    assert re.fullmatch(r"Undefined-[0-9a-f]{8}-CT", names[0])
