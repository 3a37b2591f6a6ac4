"""The gate: which instances pass, are cleaned, dropped or held."""

from collections.abc import Mapping
from typing import Any

import pydicom.uid
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom._uid_dict import UID_dictionary

from adit.api.pseudonymization_profile import Gate, PixelRegions, PseudonymizationProfileSpec, Rectangle
from adit.pseudonymization import suspects
from adit.pseudonymization.gate import (
    BURNED_IN_ANNOTATION,
    COLUMNS,
    IMAGE_TYPE,
    MANUFACTURER,
    MIME_TYPE_OF_DOCUMENT,
    MODALITY,
    MODEL,
    ROWS,
    SOP_CLASS_UID,
    Cleans,
    Drops,
    Facts,
    Gatekeeper,
    Holds,
    Passes,
    Verdict,
    drops_modalities,
    facts_of,
)

CT, US, SC, PDF, VIDEO = (
    str(uid)
    for uid in (
        pydicom.uid.CTImageStorage,
        pydicom.uid.UltrasoundImageStorage,
        pydicom.uid.SecondaryCaptureImageStorage,
        pydicom.uid.EncapsulatedPDFStorage,
        pydicom.uid.VideoEndoscopicImageStorage,
    )
)
EXPLICIT = "1.2.840.10008.1.2.1"
TOP, LEFT = Rectangle(left=0, top=0, width=64, height=8), Rectangle(left=0, top=0, width=8, height=64)


def facts(values: Mapping[int, str] | None = None, *, syntax: str = EXPLICIT, **more: str) -> Facts:
    """A CT image, unless `values` say otherwise."""
    named = {"modality": MODALITY, "sop_class": SOP_CLASS_UID, "burned_in": BURNED_IN_ANNOTATION, "type": IMAGE_TYPE}
    texts = (
        {MODALITY: "CT", SOP_CLASS_UID: CT} | dict(values or {}) | {named[name]: text for name, text in more.items()}
    )
    return facts_of(lambda tag: texts.get(tag, ""), syntax)


def verdict(asked: Facts, *gates: Gate, pixels: bool = True, exclude: tuple[str, ...] = ()) -> Verdict:
    return Gatekeeper(PseudonymizationProfileSpec(gates=gates), frozenset(exclude)).verdict(asked, has_pixels=pixels)


def test_an_ordinary_image_passes() -> None:
    assert verdict(facts(type="ORIGINAL\\PRIMARY\\AXIAL")) == Passes()


@pytest.mark.parametrize("modality", ["US", "XC", "ES", "OT", "DOC", "SC", " us \0"])
def test_an_image_of_a_device_that_writes_into_it_is_held(modality: str) -> None:
    assert verdict(facts(modality=modality)) == Holds("MayHoldBurnedInText")


@pytest.mark.parametrize("sop_class", sorted(suspects.SUSPECT_SOP_CLASSES))
def test_an_image_of_a_suspect_class_is_held(sop_class: str) -> None:
    assert verdict(facts(sop_class=sop_class)) == Holds("MayHoldBurnedInText")


@pytest.mark.parametrize("image_type", ["SCREEN SAVE", "SCREENSAVE", "SCREEN_CAPTURE", "SCREENSHOT", "CT SCREEN SAVE"])
def test_a_saved_screen_is_held(image_type: str) -> None:
    assert verdict(facts(type=f"DERIVED\\SECONDARY\\{image_type}")) == Holds("MayHoldBurnedInText")


@pytest.mark.parametrize("values", [{MODALITY: "US"}, {SOP_CLASS_UID: SC}, {IMAGE_TYPE: "DERIVED\\SCREEN SAVE"}])
def test_a_suspect_that_says_no_text_is_burned_in_passes(values: dict[int, str]) -> None:
    assert verdict(facts(values, burned_in="NO")) == Passes()


def test_a_suspect_without_pixels_passes() -> None:
    assert verdict(facts(modality="OT"), pixels=False) == Passes()


@pytest.mark.parametrize("modality", ["CT", "MR", "US"])
@pytest.mark.parametrize("pixels", [True, False])
def test_burned_in_text_is_held(modality: str, *, pixels: bool) -> None:
    assert verdict(facts(modality=modality, burned_in="YES "), pixels=pixels) == Holds("BurnedInAnnotation")


@pytest.mark.parametrize("burned_in", ["NO\\YES", "YES\\NO", "yes"])
def test_one_yes_is_enough_to_be_held(burned_in: str) -> None:
    assert verdict(facts(burned_in=burned_in)) == Holds("BurnedInAnnotation")


@pytest.mark.parametrize("burned_in", ["", "NONE", "N", "NO\\MAYBE", "\0", "\\", "N O"])
def test_what_does_not_say_no_leaves_a_suspect_held(burned_in: str) -> None:
    assert verdict(facts(modality="US", burned_in=burned_in)) == Holds("MayHoldBurnedInText")


@pytest.mark.parametrize("modality", ["", "CT\\US", "CT\\MR", "ULTRASOUND-DEVICE", "C\x01T", "\uff23\uff34"])
def test_an_image_without_one_clean_modality_is_held(modality: str) -> None:
    assert verdict(facts(modality=modality)) == Holds("MayHoldBurnedInText")


@pytest.mark.parametrize("sop_class", ["", f"{CT}\\{SC}", "CT Image Storage", "1." * 40])
def test_an_object_without_one_clean_class_is_held(sop_class: str) -> None:
    assert verdict(facts(sop_class=sop_class), pixels=False) == Holds("SopClassUnknown")


@pytest.mark.parametrize("sop_class", sorted(suspects.ENCAPSULATED_DOCUMENTS))
def test_an_encapsulated_document_is_held(sop_class: str) -> None:
    assert verdict(facts(sop_class=sop_class), pixels=False) == Holds("EncapsulatedDocument")


def test_a_document_inside_another_class_is_held() -> None:
    asked = facts({MIME_TYPE_OF_DOCUMENT: "application/pdf"}, burned_in="NO")
    assert verdict(asked, pixels=False) == Holds("EncapsulatedDocument")


@pytest.mark.parametrize("sop_class", sorted(suspects.VIDEO_SOP_CLASSES))
def test_a_video_is_held_whatever_it_says(sop_class: str) -> None:
    assert verdict(facts(sop_class=sop_class, burned_in="NO")) == Holds("Video")


def test_every_syntax_of_video_is_one_and_no_other() -> None:
    known = UID_dictionary.items()
    syntaxes = {uid: name for uid, (name, kind, *_) in known if kind == "Transfer Syntax"}
    video = {uid for uid, name in syntaxes.items() if any(word in name for word in ("MPEG", "HEVC", "SMPTE"))}
    assert {uid for uid in syntaxes if suspects.is_video_syntax(uid)} == video
    assert all(verdict(facts(syntax=uid)) == Holds("Video") for uid in video)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (suspects.SUSPECT_SOP_CLASSES, ("Secondary Capture", "Ultrasound", "VL", "Endoscopic", "Photographic")),
        (suspects.ENCAPSULATED_DOCUMENTS, ("Encapsulated",)),
        (suspects.VIDEO_SOP_CLASSES, ("Video",)),
    ],
)
def test_the_classes_are_those_of_the_standard(classes: frozenset[str], words: tuple[str, ...]) -> None:
    for uid in classes:
        name, kind, *_ = UID_dictionary[uid]
        assert kind == "SOP Class"
        assert any(word in name for word in words), name


@pytest.mark.parametrize("word", ["Encapsulated", "Video", "Secondary Capture"])
def test_no_class_of_the_standard_is_left_out(word: str) -> None:
    told = suspects.SUSPECT_SOP_CLASSES | suspects.ENCAPSULATED_DOCUMENTS | suspects.VIDEO_SOP_CLASSES
    known = UID_dictionary.items()
    assert {uid for uid, (name, kind, *_) in known if kind == "SOP Class" and word in name} <= told


@pytest.mark.parametrize("modality", ["SR", "sr ", "CT\\SR"])
def test_an_excluded_modality_is_dropped_under_the_same_name_as_its_series(modality: str) -> None:
    assert verdict(facts(modality=modality), exclude=("PR", "SR")) == Drops("ModalityExcluded")


def gate(action: str, **conditions: Any) -> Gate:
    return Gate.model_validate({"action": action} | conditions)


def test_the_first_gate_that_matches_decides() -> None:
    gates = gate("Pass", modalities=("US",), burned_in_annotation=("Absent",)), gate("Quarantine", modalities=("US",))
    assert verdict(facts(modality="US", burned_in="NO"), *gates) == Passes()
    assert verdict(facts(modality="US"), *gates) == Holds("HeldByProfile")
    assert verdict(facts(), *gates) == Passes()


def test_a_gate_goes_before_the_built_in_ones() -> None:
    assert verdict(facts(modality="SR"), gate("Pass", modalities=("SR",)), exclude=("SR",)) == Passes()
    assert verdict(facts(sop_class=PDF), gate("Pass", sop_class_uids=(PDF,))) == Passes()
    assert verdict(facts(burned_in="YES"), gate("Drop", burned_in_annotation=("Present",))) == Drops(
        "ExcludedByProfile"
    )
    assert verdict(facts(modality="US"), gate("Drop", modalities=("US",))) == Drops("ModalityExcluded")


def test_all_conditions_of_a_gate_must_hold_and_any_of_their_values_will_do() -> None:
    asked = gate("Quarantine", modalities=("MR", "CT"), image_types=("LOCALIZER", "DOSE_INFO"))
    assert verdict(facts(type="ORIGINAL\\PRIMARY\\LOCALIZER"), asked) == Holds("HeldByProfile")
    assert verdict(facts(type="ORIGINAL\\PRIMARY\\AXIAL"), asked) == Passes()
    assert verdict(facts(modality="PT", type="DERIVED\\DOSE_INFO"), asked) == Passes()


def test_several_modalities_pass_only_where_each_may_and_are_kept_back_where_one_is() -> None:
    passing, dropping = gate("Pass", modalities=("US",)), gate("Drop", modalities=("US",))
    assert verdict(facts(modality="US\\CT"), passing) == Holds("MayHoldBurnedInText")
    assert verdict(facts(modality="CT\\US"), dropping) == Drops("ModalityExcluded")


def device(*regions: Rectangle, **more: Any) -> PixelRegions:
    return PixelRegions(manufacturer="ACME Medical", rows=64, columns=64, regions=regions, **more)


def cleaning(*devices: PixelRegions, gates: tuple[Gate, ...] = ()) -> Gatekeeper:
    spec = PseudonymizationProfileSpec(options=("CleanPixelData",), pixel_regions=devices, gates=gates)
    return Gatekeeper(spec, frozenset({"SR"}))


ACME = {MANUFACTURER: " acme  MEDICAL\0", MODEL: "Sono 3 ", ROWS: "64", COLUMNS: "64", MODALITY: "US"}


@pytest.mark.parametrize("burned_in", ["", "YES", "NO"])
def test_the_regions_of_a_known_device_are_blanked_whatever_it_says(burned_in: str) -> None:
    asked = facts(ACME, sop_class=US, burned_in=burned_in)
    assert cleaning(device(TOP)).verdict(asked, has_pixels=True) == Cleans((TOP,))


@pytest.mark.parametrize("other", [{COLUMNS: ""}, {ROWS: "64\\64"}, {ROWS: "\u0666\u0664"}, {ROWS: "0"}])
@pytest.mark.parametrize("gates", [(), (gate("Pass", modalities=("US",)),)])
def test_a_known_device_without_a_readable_size_is_held(other: dict[int, str], gates: tuple[Gate, ...]) -> None:
    asked = facts(ACME | {SOP_CLASS_UID: US} | other)
    keeper = cleaning(device(TOP, model="SONO 3", modality="US"), gates=gates)
    assert keeper.verdict(asked, has_pixels=True) == Holds("PixelLayoutUnknown")


@pytest.mark.parametrize(
    "other",
    [
        {MANUFACTURER: "ACME"},
        {MODEL: "Sono 4"},
        {ROWS: "65"},
        {MODALITY: "US\\CT"},
        {MODALITY: "OT"},
    ],
)
def test_another_device_stays_a_suspect(other: dict[int, str]) -> None:
    asked = facts(ACME | {SOP_CLASS_UID: US} | other)
    keeper = cleaning(device(TOP, model="SONO 3", modality="US"))
    assert keeper.verdict(asked, has_pixels=True) == Holds("MayHoldBurnedInText")


def test_the_regions_of_all_entries_of_a_device_add_up() -> None:
    asked = facts(ACME, sop_class=US)
    keeper = cleaning(device(TOP), device(TOP, LEFT, model="Sono 3"), device(LEFT, model="Sono 9"))
    assert keeper.verdict(asked, has_pixels=True) == Cleans((TOP, LEFT))


def test_a_gate_that_lets_pass_still_has_the_regions_blanked() -> None:
    keeper = cleaning(device(TOP), gates=(gate("Pass", modalities=("US",)),))
    assert keeper.verdict(facts(ACME, sop_class=US), has_pixels=True) == Cleans((TOP,))


def test_what_has_no_pixels_is_not_cleaned() -> None:
    assert cleaning(device(TOP)).verdict(facts(ACME, burned_in="YES"), has_pixels=False) == Holds("BurnedInAnnotation")


def test_a_document_or_video_of_a_known_device_is_held() -> None:
    keeper = cleaning(device(TOP))
    assert keeper.verdict(facts(ACME, sop_class=PDF), has_pixels=False) == Holds("EncapsulatedDocument")
    assert keeper.verdict(facts(ACME, sop_class=VIDEO), has_pixels=True) == Holds("Video")


def dropped(*gates: Gate, exclude: tuple[str, ...] = ()) -> set[str]:
    return set(drops_modalities(PseudonymizationProfileSpec(gates=gates), exclude))


def test_series_are_spared_that_no_instance_can_pass_of() -> None:
    assert dropped(gate("Drop", modalities=("KO", "PR")), exclude=("SR",)) == {"KO", "PR", "SR"}


def test_series_are_fetched_of_which_some_may_pass() -> None:
    some = gate("Drop", modalities=("US",), burned_in_annotation=("Present",))
    assert dropped(some) == set()
    assert dropped(some, gate("Drop", modalities=("US",))) == {"US"}
    assert dropped(gate("Pass", image_types=("REPORT",)), exclude=("SR",)) == set()
    assert dropped(gate("Pass", modalities=("SR",)), gate("Drop", modalities=("SR",)), exclude=("SR",)) == set()
    assert dropped(gate("Quarantine", modalities=("SR",)), exclude=("SR", "PR")) == {"PR"}


TEXT = st.text(max_size=12) | st.sampled_from(["US", "NO", "YES", "CT", "\\", "US\\", "9" * 80])
GATES = (gate("Pass", modalities=("MR",)), gate("Quarantine", image_types=("LOCALIZER",)))


@given(st.dictionaries(st.sampled_from([*sorted(ACME), SOP_CLASS_UID, BURNED_IN_ANNOTATION, IMAGE_TYPE]), TEXT), TEXT)
def test_no_text_raises_and_a_series_that_is_spared_has_no_instance_that_passes(
    values: dict[int, str], syntax: str
) -> None:
    asked = facts_of(lambda tag: values.get(tag, ""), syntax)
    found = cleaning(device(TOP), gates=GATES).verdict(asked, has_pixels=True)
    if asked.burned_in == "Present" and asked.modalities != {"MR"}:
        assert not isinstance(found, Passes)
    if asked.modalities == {"SR"} and "LOCALIZER" not in asked.image_types:
        assert found == Drops("ModalityExcluded")
