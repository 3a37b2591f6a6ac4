"""What a de-identified object says of itself."""

from collections.abc import Mapping
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.filereader import read_dataset
from pydicom.sr._concepts_dict import concepts

from adit.api.pseudonymization_profile import XNAT_COMMENT, PseudonymizationProfileSpec
from adit.api.trial import Trial
from adit.encoded.encoding import Encoding
from adit.pseudonymization.marks import (
    CLEAN_PIXEL_DATA,
    NEVER_KEPT,
    STUDY_DATE,
    STUDY_INSTANCE_UID,
    STUDY_TIME,
    Code,
    Marker,
)
from adit.pseudonymization.profile import Profile
from adit.transfer.rewriter import Subject

EXPLICIT, IMPLICIT, BIG = Encoding(False, True), Encoding(True, True), Encoding(False, False)  # noqa: FBT003 - a table
BASIC: Code = ("113100", "Basic Application Confidentiality Profile")
DATES: Code = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
SOMEBODY = Subject("P-1", "TRIAL-7", "Seven")
REWRITTEN = {STUDY_DATE: "20240115", STUDY_TIME: "101500", STUDY_INSTANCE_UID: "2.25.1234567890123456"}


def marker(*, name: str = "research", trial: Trial | None = None, comments: str = XNAT_COMMENT) -> Marker:
    spec = PseudonymizationProfileSpec(trial=trial, patient_comments=comments)
    return Marker(Profile(name, spec), (DATES, BASIC), "MODIFIED")


def marked(
    subject: Subject = SOMEBODY,
    rewritten: Mapping[int, str] | None = None,
    *,
    by: Marker | None = None,
    encoding: Encoding = EXPLICIT,
    pixels_cleaned: bool = False,
) -> Dataset:
    texts = REWRITTEN if rewritten is None else rewritten
    elements = (by or marker()).encoded(
        subject, lambda tag: texts.get(tag, ""), encoding, pixels_cleaned=pixels_cleaned
    )
    raw = b"".join(elements[tag] for tag in sorted(elements))
    return read_dataset(BytesIO(raw), encoding.implicit_vr, encoding.little_endian)


def tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return tag


def codes(dataset: Dataset) -> list[tuple[str, str, str]]:
    items = dataset.DeidentificationMethodCodeSequence
    return [(str(item.CodeValue), str(item.CodingSchemeDesignator), str(item.CodeMeaning)) for item in items]


@pytest.mark.parametrize("encoding", [EXPLICIT, IMPLICIT, BIG])
def test_an_object_names_its_profile_and_options_in_every_encoding(encoding: Encoding) -> None:
    dataset = marked(encoding=encoding)
    profile_hash = Profile("research", PseudonymizationProfileSpec()).hash
    assert dataset.PatientIdentityRemoved == "YES"
    assert list(dataset.DeidentificationMethod) == ["ADIT research", f"sha256:{profile_hash[:16]}"]
    assert codes(dataset) == [(code, "DCM", meaning) for code, meaning in (BASIC, DATES)]
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "BurnedInAnnotation" not in dataset


def test_cleaned_pixels_are_told() -> None:
    dataset = marked(pixels_cleaned=True)
    assert [code for code, _, _ in codes(dataset)] == ["113100", "113101", "113107"]
    assert dataset.BurnedInAnnotation == "NO"


def test_the_code_of_cleaned_pixels_is_that_of_the_standard() -> None:
    value, meaning = CLEAN_PIXEL_DATA
    assert concepts["DCM"]["CleanPixelDataOption"] == {value: (meaning, [7050])}


def test_the_trial_of_the_job_is_named_for_xnat() -> None:
    dataset = marked()
    assert dataset.ClinicalTrialProtocolID == "TRIAL-7"
    assert dataset.ClinicalTrialProtocolName == "Seven"
    assert dataset.PatientComments == "Project:TRIAL-7 Subject:P-1 Session:P-1_20240115-101500"


def test_the_module_of_the_trial_is_whole() -> None:
    dataset = marked(Subject("P-1", "TRIAL-7"))
    assert (dataset.ClinicalTrialSponsorName, dataset.ClinicalTrialSubjectID) == ("NOT STATED", "P-1")
    assert (dataset.ClinicalTrialProtocolName, dataset.ClinicalTrialSiteID, dataset.ClinicalTrialSiteName) == ("",) * 3


def test_what_the_rules_left_of_the_trials_module_stays() -> None:
    keywords = ["ClinicalTrialSponsorName", "ClinicalTrialSiteID", "ClinicalTrialSubjectID"]
    dataset = marked(rewritten=dict.fromkeys(map(tag_of, keywords), "left"))
    assert [keyword for keyword in keywords if keyword in dataset] == []
    assert dataset.ClinicalTrialSiteName == ""


def test_without_a_trial_there_is_no_comment() -> None:
    dataset = marked(Subject("P-1"))
    assert not {"ClinicalTrialProtocolID", "ClinicalTrialProtocolName", "PatientComments"} & set(dataset.dir())


@pytest.mark.parametrize(
    ("subject", "id_and_name"),
    [
        (Subject("P-1"), ("OWN", "Own trial")),
        (Subject("P-1", "JOB"), ("JOB", "")),
        (Subject("P-1", None, "Job's"), ("", "Job's")),
    ],
)
def test_the_trial_of_the_profile_counts_only_where_the_job_names_none(
    subject: Subject, id_and_name: tuple[str, str]
) -> None:
    dataset = marked(subject, by=marker(trial=Trial(id="OWN", name="Own trial")))
    found = dataset.get("ClinicalTrialProtocolID", ""), dataset.get("ClinicalTrialProtocolName", "")
    assert found == id_and_name


@pytest.mark.parametrize(
    ("date", "time", "session"),
    [
        ("", "", "P-1_567890123456"),
        ("", "101500", "P-1_567890123456"),
        ("20240115", "", "P-1_20240115-567890123456"),
        ("2024-01-15 for Smith", "", "P-1_567890123456"),
        ("20240115 ", "101500.5\0", "P-1_20240115-101500.5"),
    ],
)
def test_sessions_stay_apart_where_dates_are_gone(date: str, time: str, session: str) -> None:
    rewritten = REWRITTEN | {STUDY_DATE: date, STUDY_TIME: time}
    assert marked(rewritten=rewritten).PatientComments == f"Project:TRIAL-7 Subject:P-1 Session:{session}"


def test_a_template_fills_each_place_once_and_nothing_else() -> None:
    by = marker(comments="{pseudonym}/{studyDate}/{studyTime}/{other}/{trial}/{0}/%s")
    dataset = marked(Subject("{trial}", "T"), by=by)
    assert dataset.PatientComments == "{trial}/20240115/101500/{other}/T/{0}/%s"


def test_every_text_is_ascii_and_within_its_length() -> None:
    subject = Subject("P-1", "Münchner Ä" * 12, "Études\\ 患者" * 12)
    dataset = marked(subject, by=marker(name="p" * 63))
    assert next(iter(dataset.DeidentificationMethod)) == "ADIT " + "p" * 59
    assert dataset.ClinicalTrialProtocolID == ("Munchner A" * 12)[:64]
    assert dataset.ClinicalTrialProtocolName == ("Etudes_ ??" * 12)[:64]


@given(st.text(max_size=80), st.text(max_size=80), st.text(min_size=1, max_size=300))
def test_whatever_a_text_holds_is_marked(trial: str, name: str, uid: str) -> None:
    dataset = marked(Subject("P", trial, name), {STUDY_INSTANCE_UID: uid, STUDY_DATE: name})
    assert dataset.PatientIdentityRemoved == "YES"
    assert ("PatientComments" in dataset) == bool(trial)


def test_what_is_never_kept_proves_or_repeats_an_earlier_state() -> None:
    names = {keyword_for_tag(tag) for tag in NEVER_KEPT}
    assert "" not in names
    assert {"OriginalAttributesSequence", "DigitalSignaturesSequence", "EncryptedAttributesSequence"} < names
    assert {"MACParametersSequence", "ModifiedAttributesSequence", "DataSetTrailingPadding", "Signature"} < names
