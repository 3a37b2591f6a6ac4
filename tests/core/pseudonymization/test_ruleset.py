"""Rules of a profile: the table, the options, the overrides, and what nobody lists."""

import time
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR
from pydicom.sr.codedict import codes

from adit.api.pseudonymization_profile import Option, Override, PseudonymizationProfileSpec
from adit.encoded.dictionary import VRS, keyword_of
from adit.pseudonymization.actions import Action, AttributeRule
from adit.pseudonymization.annex_e.table import ROWS, TABLE, Row
from adit.pseudonymization.profile import ADIT_COMPATIBLE, BASIC, BUILT_IN
from adit.pseudonymization.ruleset import Ruleset
from adit.pseudonymization.unlisted import TELLING

FULL: Option = "RetainLongitudinalFullDates"
MODIFIED: Option = "RetainLongitudinalModifiedDates"
# The options that the table has a column for, but the one of private elements.
COLUMNS: tuple[Option, ...] = tuple(
    option for option in get_args(Option) if option not in {"RetainSafePrivate", "CleanPixelData"}
)
DATES = {b"DA", b"DT", b"TM"}
OF_TYPE_1 = {0x00700082, 0x00700083}  # PresentationCreationDate, PresentationCreationTime
HIDDEN = {Action.REMOVE, Action.EMPTY, Action.DUMMY, Action.MAP_UID}
# They are never a part of a data set: command, file meta.
NO_DATA_SET = (0x0000, 0x0002)
# Bytes, whose text nobody cleans and whose dates nobody shifts: Maker Note, Device Setting Description, two timestamps.
ONLY_BYTES = {0x0016002B, 0x0016004B, 0x04000310, 0x00340007}
TIMEZONE = 0x00080201


def rules(*options: Option, **fields: Any) -> Ruleset:
    if "RetainSafePrivate" in options:
        fields.setdefault("private_attributes", {"policy": "SafeList"})
    return Ruleset(PseudonymizationProfileSpec(options=options, **fields))


def overridden(*overrides: Override) -> Ruleset:
    return rules(overrides=overrides)


def vr_in_an_object(tag: int) -> bytes:
    """The dictionary's VR; what is younger than the dictionary has one by its name."""
    if tag in VRS:
        return VRS[tag]
    name = ROWS[tag].name
    return b"DT" if name.endswith("DateTime") else b"SQ" if name.endswith("Sequence") else b"LO"


EVERY_TAG = sorted(tag for tag in {*VRS, *ROWS} if tag >> 16 not in NO_DATA_SET and tag >> 24 not in {0x50, 0x60})


def actions(ruleset: Ruleset) -> dict[int, Action]:
    """Every attribute that dictionary or table list one by one, and what is done to it."""
    return {tag: ruleset.rule(tag, vr_in_an_object(tag)).action for tag in EVERY_TAG}


def rows_of(letter: str, *options: Option) -> set[int]:
    """The tags that the table gives this letter under an option."""
    return {tag for tag, row in ROWS.items() if tag in EVERY_TAG and letter in {row.options.get(o) for o in options}}


def unlisted(*vrs: bytes) -> set[int]:
    return {tag for tag in EVERY_TAG if tag not in ROWS and vr_in_an_object(tag) in vrs}


ORDINARY = actions(rules())

REQUIRED = {0x00700082, 0x00700083}


@pytest.mark.parametrize(
    ("letters", "action"),
    [
        ("X", Action.REMOVE),
        ("Z", Action.EMPTY),
        ("D", Action.DUMMY),
        ("U", Action.MAP_UID),
        ("X/Z", Action.EMPTY),
        ("X/D", Action.DUMMY),
        ("Z/D", Action.DUMMY),
        ("X/Z/D", Action.DUMMY),
        ("X/Z/U*", Action.KEEP),
    ],
)
def test_letters_become_the_one_action_that_every_type_of_attribute_allows(letters: str, action: Action) -> None:
    rows = {tag for tag, row in ROWS.items() if row.basic == letters and tag in EVERY_TAG} - OF_TYPE_1
    identifiers = {tag for tag in rows if vr_in_an_object(tag) == b"UI" and letters == "D"}
    assert rows
    assert {ORDINARY[tag] for tag in rows - identifiers - REQUIRED} == {action}
    assert {ORDINARY[tag] for tag in identifiers} <= {Action.MAP_UID}


def test_the_basic_profile_keeps_nothing_that_the_table_lists_but_sequences_of_references() -> None:
    kept = {tag for tag in EVERY_TAG if tag in ROWS and ORDINARY[tag] not in HIDDEN}
    assert {keyword_of(tag) for tag in kept} == {"ReferencedImageSequence", "SourceImageSequence"}


def test_what_an_object_is_invalid_without_becomes_a_constant() -> None:
    assert {(keyword_of(tag), ROWS[tag].basic, ORDINARY[tag]) for tag in REQUIRED} == {
        ("PresentationCreationDate", "X", Action.DUMMY),
        ("PresentationCreationTime", "X", Action.DUMMY),
    }


@pytest.mark.parametrize("option", [option for option in COLUMNS if option not in {FULL, MODIFIED, "RetainUIDs"}])
def test_an_option_changes_what_the_table_says_and_nothing_else(option: Option) -> None:
    now = actions(rules(option))
    kept, cleaned = rows_of("K", option), rows_of("C", option) - ONLY_BYTES
    assert {tag for tag in EVERY_TAG if now[tag] is not ORDINARY[tag]} == kept | cleaned
    assert {now[tag] for tag in kept} <= {Action.KEEP}
    assert {now[tag] for tag in cleaned} <= {Action.CLEAN}


def test_retained_uids_are_those_of_the_table_and_those_that_nobody_lists() -> None:
    now = actions(rules("RetainUIDs"))
    kept = rows_of("K", "RetainUIDs")
    assert {now[tag] for tag in kept} == {Action.KEEP}
    changed = {tag for tag in EVERY_TAG if now[tag] is not ORDINARY[tag]}
    assert changed <= kept | unlisted(b"UI")
    # Two UIDs stay mapped, as the table wants it.
    mapped = {keyword_of(tag) for tag in EVERY_TAG if now[tag] is Action.MAP_UID}
    assert mapped == {"UID", "DigitalSignatureUID"}


def test_full_dates_are_those_of_the_table_and_those_that_nobody_lists() -> None:
    now = actions(rules(FULL))
    expected = rows_of("K", FULL) | unlisted(*DATES)
    assert {tag for tag in EVERY_TAG if now[tag] is not ORDINARY[tag]} == expected
    assert {now[tag] for tag in expected} == {Action.KEEP}


def test_modified_dates_are_shifted_wherever_there_is_a_date_to_shift() -> None:
    now = actions(rules(MODIFIED))
    expected = (rows_of("C", MODIFIED) | unlisted(*DATES)) - ONLY_BYTES
    assert {tag for tag in EVERY_TAG if now[tag] is not ORDINARY[tag]} == expected
    assert {now[tag] for tag in expected - {TIMEZONE}} == {Action.SHIFT_DATE}
    assert now[TIMEZONE] is Action.KEEP


@pytest.mark.parametrize("option", [FULL, MODIFIED])
def test_the_birth_date_is_no_longitudinal_date(option: Option) -> None:
    assert rules(option).rule(0x00100030, b"DA").action is Action.EMPTY


@given(st.lists(st.sampled_from(COLUMNS), unique=True), st.sampled_from([row for row in TABLE if "X" not in row.tag]))
def test_no_combination_of_options_leaves_what_none_of_them_names(options: list[Option], row: Row) -> None:
    tag = int(row.tag, 16)
    if FULL in options and MODIFIED in options:
        options.remove(MODIFIED)
    if not any(option in row.options for option in options) and row.basic != "X/Z/U*":
        assert rules(*options).rule(tag, vr_in_an_object(tag) if tag in EVERY_TAG else b"UI").action in HIDDEN


def test_what_one_option_keeps_another_does_not_clean() -> None:
    both = rules("RetainDeviceIdentity", MODIFIED)
    assert ROWS[0x00181200].options == {"RetainDeviceIdentity": "K", FULL: "K", MODIFIED: "C"}
    assert both.rule(0x00181200, b"DA").action is Action.KEEP


@pytest.mark.parametrize("vr", [b"OB", b"OW", b"FD", b"AT"])
def test_text_in_bytes_is_not_cleaned_but_removed(vr: bytes) -> None:
    assert rules("CleanDescriptors").rule(0x00081030, b"LO").action is Action.CLEAN
    assert rules("CleanDescriptors").rule(0x00081030, vr).action is Action.REMOVE


def test_a_date_that_is_encoded_as_text_is_not_shifted_but_hidden() -> None:
    assert rules(MODIFIED).rule(0x00080020, b"LO").action is Action.EMPTY


def test_an_element_of_unknown_vr_is_what_the_dictionary_says() -> None:
    assert rules("CleanDescriptors").rule(0x00081030, b"UN").action is Action.CLEAN
    assert rules(MODIFIED).rule(0x00080020, b"UN").action is Action.SHIFT_DATE


@pytest.mark.parametrize("action", ["Keep", "Remove", "Empty", "Dummy", "MapUid", "ShiftDate", "Clean"])
@pytest.mark.parametrize("tag", ["00101010", "00180050", "00400275", "000A0001", "60003000", "50000010", "00191000"])
def test_an_override_wins_whatever_the_attribute_is(tag: str, action: str) -> None:
    ruleset = overridden(Override.of({"tag": tag, "action": action}))
    assert ruleset.rule(int(tag, 16), b"LO") == AttributeRule(Action(action))


def test_an_override_brings_its_value() -> None:
    ruleset = overridden(Override(tag="00081030", action="Set", value="Phantom"))
    assert ruleset.rule(0x00081030, b"LO") == AttributeRule(Action.SET, "Phantom")


def test_an_override_wins_over_an_option() -> None:
    ruleset = rules("RetainInstitutionIdentity", overrides=(Override(tag="00080080", action="Remove"),))
    assert ruleset.rule(0x00080080, b"LO").action is Action.REMOVE
    assert ruleset.rule(0x00080081, b"ST").action is Action.KEEP


def test_of_two_overrides_for_one_tag_the_last_counts() -> None:
    ruleset = overridden(Override(tag="00081030", action="Keep"), Override(tag="00081030", action="Empty"))
    assert ruleset.rule(0x00081030, b"LO").action is Action.EMPTY


@pytest.mark.parametrize("tag", ["00080000", "00000100", "00020010", "00190000"])
def test_what_is_no_part_of_a_data_set_goes_even_where_an_override_keeps_it(tag: str) -> None:
    ruleset = overridden(Override(tag=tag, action="Keep"))
    assert ruleset.rule(int(tag, 16), b"UL").action is Action.REMOVE


@pytest.mark.parametrize(
    ("tag", "vr", "action"),
    [
        (0x00142006, b"PN", Action.DUMMY),  # EvaluatorName
        (0x0040A022, b"UI", Action.MAP_UID),  # ReferencedFindingsGroupUIDTrial
        (0x00141020, b"DA", Action.EMPTY),  # ExpiryDate
        (0x00080404, b"DT", Action.EMPTY),  # ItemInventoryDateTime
        (0x00143077, b"TM", Action.EMPTY),  # TimeOfGainCalibration
        (0x00080005, b"CS", Action.KEEP),  # SpecificCharacterSet
        (0x00180050, b"DS", Action.KEEP),  # SliceThickness
        (0x00400260, b"SQ", Action.KEEP),  # PerformedProtocolCodeSequence: its items go by their rules
        (0x7FE00010, b"OW", Action.KEEP),  # PixelData
        (0x00041500, b"CS", Action.REMOVE),  # ReferencedFileID: of a DICOMDIR, and file names hold names
    ],
)
def test_an_attribute_that_no_row_lists_goes_by_its_vr(tag: int, vr: bytes, action: Action) -> None:
    assert tag not in ROWS
    assert dictionary_VR(tag) in {vr.decode(), "OB or OW"}
    assert rules().rule(tag, vr).action is action


@pytest.mark.parametrize("tag", TELLING, ids=keyword_of)
def test_what_tells_of_a_person_goes_though_no_row_lists_it(tag: int) -> None:
    assert tag not in ROWS
    assert rules("CleanDescriptors", "RetainPatientCharacteristics").rule(tag, VRS[tag]).action is TELLING[tag]
    keeping = overridden(Override(tag=f"{tag:08X}", action="Keep"))
    assert keeping.rule(tag, VRS[tag]).action is Action.KEEP


@pytest.mark.parametrize(
    ("encoded", "action"),
    [(b"PN", Action.DUMMY), (b"DA", Action.EMPTY), (b"UI", Action.MAP_UID), (b"LO", Action.KEEP)],
)
def test_an_element_that_claims_another_vr_than_the_dictionary_goes_by_it(encoded: bytes, action: Action) -> None:
    assert rules().rule(0x00180050, encoded).action is action


@pytest.mark.parametrize("encoded", [b"LO", b"UN", b"OB", b"ZZ"])
def test_a_name_by_the_dictionary_is_one_however_it_is_encoded(encoded: bytes) -> None:
    assert rules().rule(0x00142006, encoded).action is Action.DUMMY


@pytest.mark.parametrize(
    "tag",
    [
        0x00080016,  # SOPClassUID
        0x00081150,  # ReferencedSOPClassUID
        0x0008010C,  # CodingSchemeUID
        0x00080117,  # ContextUID
        0x00080118,  # MappingResourceUID
        0x00083002,  # AvailableTransferSyntaxUID
        0x00080062,  # SOPClassesInStudy
    ],
)
def test_a_uid_of_the_standard_or_of_a_vocabulary_stays(tag: int) -> None:
    assert rules().rule(tag, b"UI").action is Action.KEEP


@pytest.mark.parametrize("tag", [0x000A0001, 0x00109999, 0x7FE00099, 0xFFFA0001, 0x60020099])
@pytest.mark.parametrize("vr", [b"LO", b"PN", b"UN", b"SQ", b"US"])
def test_an_attribute_that_nobody_knows_goes(tag: int, vr: bytes) -> None:
    assert rules(*COLUMNS[:4]).rule(tag, vr).action is Action.REMOVE


@pytest.mark.parametrize("tag", [0x50000010, 0x50003000, 0x501E2500])
@pytest.mark.parametrize("options", [(), ("CleanGraphics",)])
def test_curves_go(tag: int, options: tuple[Option, ...]) -> None:
    assert rules(*options).rule(tag, b"OW").action is Action.REMOVE


@pytest.mark.parametrize("element", [0x0010, 0x0022, 0x0040, 0x1500, 0x3000, 0x4000])
@pytest.mark.parametrize("group", [0x6000, 0x6002, 0x601E])
@pytest.mark.parametrize("options", [(), ("CleanGraphics",)])
def test_an_overlay_goes_as_a_whole(group: int, element: int, options: tuple[Option, ...]) -> None:
    assert rules(*options).rule(group << 16 | element, b"LO").action is Action.REMOVE


def test_an_overlay_that_an_override_keeps_stays_with_what_describes_it() -> None:
    ruleset = overridden(Override(tag="60023000", action="Keep"))
    assert ruleset.rule(0x60023000, b"OW").action is Action.KEEP
    assert ruleset.rule(0x60020010, b"US").action is Action.KEEP
    assert ruleset.rule(0x60024000, b"LT").action is Action.REMOVE
    assert ruleset.rule(0x60000010, b"US").action is Action.REMOVE


def test_the_basic_profile_alone_is_coded_alone() -> None:
    assert rules().codes == (("113100", "Basic Application Confidentiality Profile"),)


@pytest.mark.parametrize("option", [*COLUMNS, "RetainSafePrivate"])
def test_an_option_is_coded_as_context_group_7050_has_it(option: Option) -> None:
    basic, code = rules(option).codes
    concepts = [getattr(codes.cid7050, name) for name in codes.cid7050.dir()]
    meanings = {concept.value: concept.meaning for concept in concepts}
    assert code in meanings.items()
    assert code[1].replace(" Temporal Information", "").replace(" ", "").lower() == f"{option}Option".lower()
    assert basic[0] == "113100"


def test_cleaned_pixels_are_no_matter_of_the_rules() -> None:
    region = {"manufacturer": "A", "rows": 1, "columns": 1, "regions": [{"left": 0, "top": 0, "width": 1, "height": 1}]}
    spec = PseudonymizationProfileSpec.of({"options": ["CleanPixelData"], "pixelRegions": [region]})
    assert [code for code, _ in Ruleset(spec).codes] == ["113100"]


def test_what_a_profile_retains_can_be_asked() -> None:
    assert rules("RetainUIDs").retains("RetainUIDs")
    assert not rules("RetainUIDs").retains("RetainDeviceIdentity")


@pytest.mark.parametrize(
    ("ruleset", "said"),
    [
        (rules(), "REMOVED"),
        (rules(FULL), "UNMODIFIED"),
        (rules(MODIFIED), "MODIFIED"),
        (overridden(Override(tag="00080020", action="Keep")), "UNMODIFIED"),
        (overridden(Override(tag="00100030", action="ShiftDate")), "MODIFIED"),
        (rules(FULL, overrides=(Override(tag="00080020", action="ShiftDate"),)), "MODIFIED"),
        (overridden(Override(tag="00081030", action="Keep")), "REMOVED"),
        (Ruleset(BUILT_IN[BASIC].spec), "REMOVED"),
        (Ruleset(BUILT_IN[ADIT_COMPATIBLE].spec), "MODIFIED"),
    ],
)
def test_what_became_of_dates_is_said_by_what_is_done_to_them(ruleset: Ruleset, said: str) -> None:
    assert ruleset.longitudinal == said


@given(st.integers(0, 0xFFFFFFFF), st.binary(min_size=2, max_size=2), st.lists(st.sampled_from(COLUMNS), unique=True))
def test_every_tag_with_every_vr_has_a_rule(tag: int, vr: bytes, options: list[Option]) -> None:
    options = [option for option in options if option != MODIFIED]
    assert rules(*options).rule(tag, vr) == rules(*options).rule(tag, vr)


def test_a_rule_takes_no_longer_where_there_are_many() -> None:
    """Ten thousand elements in well under the time that one object may take, first and second time."""
    many = tuple(Override(tag=f"0018{number:04X}", action="Keep") for number in range(1, 501))
    ruleset = rules("CleanDescriptors", overrides=many)
    started = time.perf_counter()
    for _ in range(2):
        for tag in EVERY_TAG:
            ruleset.rule(tag, b"LO")
    assert time.perf_counter() - started < 1


def test_what_the_table_removes_and_a_presentation_state_must_have_becomes_a_dummy() -> None:
    assert {ROWS[tag].basic for tag in OF_TYPE_1} == {"X"}
    assert {ORDINARY[tag] for tag in OF_TYPE_1} == {Action.DUMMY}
