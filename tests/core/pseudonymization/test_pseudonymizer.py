"""Profiles on encoded instances: identity goes, pixels stay, doubt quarantines."""

import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.filereader import read_dataset

from adit.api.pseudonymization_profile import Gate, PseudonymizationProfileSpec
from adit.encoded.encoding import encoding_of
from adit.encoded.writing import element, sequence
from adit.pseudonymization import BUILT_IN, Profile, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.pseudonymization.trial_marker import TrialMarker
from adit.testing.datasets import ct_study, sr_study
from adit.testing.part10 import read_meta
from adit.testing.patients import GREEK, JAPANESE, PATIENTS, PLAIN, UMLAUT, Patient
from adit.testing.pydicom_files import BY_ENCODING, pydicom_file, valid_instances
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import Excluded, Quarantined, RewriteOutcome, Rewritten
from adit.transfer.rewriter import Subject
from adit.transfer.split import inflated, is_deflated, split

PROFILE = BUILT_IN["adit-compatible"]
# Test data are of all kinds; what the gate says of them is tested elsewhere.
OPEN_GATE = Gate(action="Pass", burned_in_annotation=("Present", "Absent", "Unknown"))
OPEN = Profile("open", PROFILE.spec.model_copy(update={"gates": (OPEN_GATE,)}))
KEY = ProjectKey(bytes(range(32)))
SUBJECT = Subject(pseudonym="PSEUDO-17")
SPLITTABLE = [name for kind, name in BY_ENCODING.items() if kind != "deflated"]


def instance_of(path: Path) -> Instance:
    meta = read_meta(path)
    data_set = FileSlice(path, meta.offset, path.stat().st_size - meta.offset)
    return Instance(meta.sop_class_uid, meta.sop_instance_uid, meta.transfer_syntax_uid, (data_set,))


def pseudonymizer(
    key: ProjectKey = KEY, exclude: frozenset[str] = frozenset(), profile: Profile = PROFILE
) -> Pseudonymizer:
    return Pseudonymizer(profile, key, exclude)


def rewritten(instance: Instance, subject: Subject = SUBJECT, profile: Profile = PROFILE) -> Instance:
    outcome = pseudonymizer(profile=profile).rewrite(instance, subject)
    assert isinstance(outcome, Rewritten), outcome
    return outcome.instance


def held(outcome: RewriteOutcome) -> tuple[str, str]:
    assert isinstance(outcome, Quarantined), outcome
    return outcome.original_uid, outcome.reason


def elements_of(instance: Instance) -> Dataset:
    encoding = encoding_of(instance.transfer_syntax_uid)
    return read_dataset(BytesIO(b"".join(instance.chunks())), encoding.implicit_vr, encoding.little_endian)


def first_ct(directory: Path, patient: Patient = UMLAUT) -> Instance:
    return instance_of(ct_study(patient, instances=1).write(directory)[0])


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda p: p.patient_id)
def test_name_and_id_become_the_pseudonym_in_every_character_set(tmp_path: Path, patient: Patient) -> None:
    result = elements_of(rewritten(first_ct(tmp_path, patient)))
    assert (result.PatientID, str(result.PatientName)) == ("PSEUDO-17", "PSEUDO-17")
    assert patient.patient_id.encode() not in b"".join(rewritten(first_ct(tmp_path, patient)).chunks())


@pytest.mark.parametrize("name", SPLITTABLE)
def test_the_pixel_value_is_shared_with_the_file_that_arrived(name: str) -> None:
    instance = instance_of(pydicom_file(name))
    parts = split(instance.pieces[0], instance.transfer_syntax_uid)  # type: ignore[arg-type]  # a slice, as made above
    assert parts.pixel is not None
    assert parts.pixel in rewritten(instance, profile=OPEN).pieces


def test_a_deflated_instance_leaves_inflated_with_the_same_pixels(tmp_path: Path) -> None:
    path = tmp_path / "deflated"
    path.write_bytes(pydicom_file(BY_ENCODING["deflated"]).read_bytes())
    instance = instance_of(path)
    assert is_deflated(instance.transfer_syntax_uid)
    whole, syntax = inflated(instance.pieces[0], tmp_path / "whole")  # type: ignore[arg-type]  # a slice, as made above
    original = split(whole, syntax).pixel
    result = rewritten(instance, profile=OPEN)
    assert result.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert original is not None
    assert elements_of(result).PixelData == original.read()


def deflated(folder: Path, data_set: bytes, sop_instance_uid: str) -> Instance:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    raw = deflater.compress(data_set) + deflater.flush()
    path = folder / "deflated"
    path.write_bytes(raw)
    return Instance("1.2", sop_instance_uid, "1.2.840.10008.1.2.1.99", (FileSlice(path, 0, len(raw)),))


def test_what_was_inflated_stays_for_the_pixels_only(tmp_path: Path) -> None:
    good = first_ct(tmp_path)
    whole = b"".join(good.chunks())
    without_pixels = split(good.pieces[0], good.transfer_syntax_uid).head.read()  # type: ignore[arg-type]  # a slice, as made above
    left = tmp_path / "deflated.inflated"
    for raw, subject, kind, stays in (
        (whole, SUBJECT, Rewritten, True),
        (without_pixels, SUBJECT, Rewritten, False),
        (whole[:-20], SUBJECT, Quarantined, False),
        (whole, Subject(pseudonym="Ω" * 9), Quarantined, False),
    ):
        outcome = pseudonymizer().rewrite(deflated(tmp_path, raw, good.sop_instance_uid), subject)
        assert isinstance(outcome, kind), outcome
        assert left.exists() is stays
    report = instance_of(sr_study(GREEK).write(tmp_path)[0])
    packed = deflated(tmp_path, b"".join(report.chunks()), report.sop_instance_uid)
    assert isinstance(pseudonymizer(exclude=frozenset({"SR"})).rewrite(packed, SUBJECT), Excluded)
    assert not left.exists()


def test_examination_dates_stay_and_the_birth_date_moves(tmp_path: Path) -> None:
    before = elements_of(first_ct(tmp_path))
    after = elements_of(rewritten(first_ct(tmp_path)))
    assert (after.StudyDate, after.StudyTime) == (before.StudyDate, before.StudyTime)
    assert after.PatientBirthDate != before.PatientBirthDate


def test_the_same_key_gives_the_same_uids_in_another_process(tmp_path: Path) -> None:
    instance = first_ct(tmp_path)
    code = (
        "from adit.pseudonymization import BUILT_IN, ProjectKey\n"
        "from adit.pseudonymization.pseudonymizer import Pseudonymizer\n"
        f"p = Pseudonymizer(BUILT_IN['adit-compatible'], ProjectKey(bytes(range(32))), frozenset())\n"
        f"print(p.rewritten_uid('{instance.sop_instance_uid}'))"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert rewritten(instance).sop_instance_uid == there == pseudonymizer().rewritten_uid(instance.sop_instance_uid)


def test_another_key_gives_other_uids() -> None:
    other = pseudonymizer(ProjectKey(bytes(32)))
    assert other.rewritten_uid("1.2.3") != pseudonymizer().rewritten_uid("1.2.3") != "1.2.3"


def with_trailer(path: Path, dataset: Dataset) -> Instance:
    """A CT with more elements, some of them behind the pixel data."""
    whole = next(ct_study(UMLAUT, instances=1).datasets())
    whole.update(dataset)
    whole.save_as(path, enforce_file_format=True)
    return instance_of(path)


def test_signatures_behind_the_pixel_data_go(tmp_path: Path) -> None:
    item, more = Dataset(), Dataset()
    item.CertifiedTimestamp = b""
    item.ReferencedSOPInstanceUID = "1.2.826.0.1.77"
    more.DigitalSignaturesSequence = [item]
    more.add_new(0xFFFCFFFC, "OB", b"MUELLER^JUTTA   ")
    result = elements_of(rewritten(with_trailer(tmp_path / "trailer", more)))
    assert max(result.keys()) == 0x7FE00010


def test_private_elements_behind_the_pixel_data_are_treated_like_those_before(tmp_path: Path) -> None:
    more = Dataset()
    more.private_block(0x7FE1, "SOMEBODY", create=True).add_new(1, "LO", "kept")
    instance = with_trailer(tmp_path / "trailer", more)
    assert max(elements_of(rewritten(instance)).keys()) == 0x7FE00010
    keeping = PseudonymizationProfileSpec.of({"privateAttributes": {"policy": "Keep"}})
    outcome = Pseudonymizer(Profile("keeping", keeping), KEY).rewrite(instance, SUBJECT)
    assert isinstance(outcome, Rewritten)
    assert elements_of(outcome.instance)[0x7FE11001].value == "kept"


def test_a_name_that_its_character_set_cannot_spell_is_sought_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "misspelt"
    dataset = next(ct_study(PLAIN, instances=1).datasets())
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "B-hm^Jakob"
    dataset.SequenceName = "fov B-hm"
    dataset.save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes().replace(b"B-hm", "Böhm".encode("latin-1")))
    assert held(pseudonymizer().rewrite(instance_of(path), SUBJECT))[1] == "IdentifierLeft"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_a_private_sequence_that_does_not_say_so_is_entered(tmp_path: Path, syntax: str) -> None:
    encoding = encoding_of(syntax)
    item = element(0x00100010, b"PN", b"Other^Person", encoding_of("1.2.840.10008.1.2"))
    data_set = (
        element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.2", encoding)
        + element(0x00080018, b"UI", b"1.2.3.4", encoding)
        + element(0x00080060, b"CS", b"CT", encoding)
        + element(0x00090010, b"LO", b"ACME", encoding)
        + sequence(0x00091001, b"UN", [item], encoding)
    )
    path = tmp_path / "private"
    path.write_bytes(data_set)
    instance = Instance("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4", syntax, (FileSlice(path, 0, len(data_set)),))
    keeping = PseudonymizationProfileSpec.of({"privateAttributes": {"policy": "Keep"}})
    left = b"".join(rewritten(instance, profile=Profile("keeping", keeping)).chunks())
    assert b"ACME" in left
    assert b"Other" not in left


def test_a_uid_that_an_override_keeps_is_no_residue_of_what_went_elsewhere(tmp_path: Path) -> None:
    request, more = Dataset(), Dataset()
    request.AffectedSOPInstanceUID = more.FrameOfReferenceUID = "1.2.826.0.1.77"
    more.RequestAttributesSequence = [request]
    instance = with_trailer(tmp_path / "uids", more)
    keeping = PseudonymizationProfileSpec.of({"overrides": [{"tag": "00200052", "action": "Keep"}]})
    result = elements_of(rewritten(instance, profile=Profile("keeping", keeping)))
    assert result.FrameOfReferenceUID == "1.2.826.0.1.77"
    assert elements_of(rewritten(instance)).FrameOfReferenceUID != "1.2.826.0.1.77"


def test_an_excluded_modality_does_not_leave(tmp_path: Path) -> None:
    report = instance_of(sr_study(GREEK).write(tmp_path)[0])
    outcome = pseudonymizer(exclude=frozenset({"PR", "SR"})).rewrite(report, SUBJECT)
    assert outcome == Excluded(report.sop_instance_uid, "ModalityExcluded")


def test_a_session_without_a_date_is_told_apart_by_its_study(tmp_path: Path) -> None:
    basic = Pseudonymizer(BUILT_IN["basic"], KEY)
    outcome = basic.rewrite(first_ct(tmp_path), Subject("PSEUDO-17", "TRIAL"))
    assert isinstance(outcome, Rewritten)
    result = elements_of(outcome.instance)
    assert result.StudyDate == ""
    assert result.PatientComments == (
        f"Project:TRIAL Subject:PSEUDO-17 Session:PSEUDO-17_{result.StudyInstanceUID[-12:]}"
    )


def test_trial_and_xnat_comment_are_written(tmp_path: Path) -> None:
    result = elements_of(rewritten(first_ct(tmp_path), Subject("PSEUDO-17", "TRIAL", "A trial")))
    assert (result.ClinicalTrialProtocolID, result.ClinicalTrialProtocolName) == ("TRIAL", "A trial")
    assert (
        result.PatientComments
        == f"Project:TRIAL Subject:PSEUDO-17 Session:PSEUDO-17_{result.StudyDate}-{result.StudyTime}"
    )


def test_without_a_pseudonym_nothing_leaves(tmp_path: Path) -> None:
    instance = first_ct(tmp_path)
    assert held(pseudonymizer().rewrite(instance, Subject())) == (instance.sop_instance_uid, "PseudonymMissing")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda raw: raw[:-20], "PixelDataTruncated"),
        (lambda raw: raw + b"\1\2\3\4\5", "ElementTruncated"),
        (lambda _: b"\0garbage that no decoder can read\xff" * 9, "ElementTooLong"),
        (lambda _: b"", "SopInstanceUidMismatch"),
    ],
)
def test_what_cannot_be_taken_apart_is_quarantined(tmp_path: Path, damage: object, reason: str) -> None:
    good = first_ct(tmp_path)
    raw = damage(b"".join(good.chunks()))  # type: ignore[operator]  # a lambda above
    path = tmp_path / "damaged"
    path.write_bytes(raw)
    bad = Instance(good.sop_class_uid, good.sop_instance_uid, good.transfer_syntax_uid, (FileSlice(path, 0, len(raw)),))
    outcome = pseudonymizer().rewrite(bad, SUBJECT)
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == reason


def with_pixel_elements(folder: Path, *elements: bytes) -> Instance:
    """A CT of Explicit VR Little Endian whose pixel element is replaced by these."""
    good = first_ct(folder)
    head = split(good.pieces[0], good.transfer_syntax_uid).head.read()  # type: ignore[arg-type]  # a slice, as made above
    raw = b"".join((head, *elements))
    path = folder / "other-pixels"
    path.write_bytes(raw)
    return Instance(good.sop_class_uid, good.sop_instance_uid, "1.2.840.10008.1.2.1", (FileSlice(path, 0, len(raw)),))


def pixel_element(vr: bytes, tag: bytes = b"\xe0\x7f\x10\x00", value: bytes = b"DOE^JANE") -> bytes:
    return tag + vr + b"\0\0" + len(value).to_bytes(4, "little") + value


@pytest.mark.parametrize("vr", [b"SQ", b"UC", b"UR", b"UT", b"SV", b"UV", b"PN"])
def test_a_pixel_value_that_could_be_read_as_text_is_quarantined(tmp_path: Path, vr: bytes) -> None:
    instance = with_pixel_elements(tmp_path, pixel_element(vr))
    assert held(pseudonymizer().rewrite(instance, SUBJECT)) == (instance.sop_instance_uid, "PixelDataVr")


@pytest.mark.parametrize("vr", [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"UN"])
def test_a_pixel_value_of_numbers_leaves(tmp_path: Path, vr: bytes) -> None:
    rewritten(with_pixel_elements(tmp_path, pixel_element(vr)))


@pytest.mark.parametrize("first", [b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00", b"\xe0\x7f\x10\x00"])
def test_a_second_pixel_value_is_quarantined(tmp_path: Path, first: bytes) -> None:
    instance = with_pixel_elements(tmp_path, pixel_element(b"OF", first), pixel_element(b"OW"))
    assert held(pseudonymizer().rewrite(instance, SUBJECT)) == (instance.sop_instance_uid, "PixelDataTwice")


def test_a_data_set_that_is_not_the_instance_it_came_as_is_quarantined(tmp_path: Path) -> None:
    good = first_ct(tmp_path)
    claimed = Instance(good.sop_class_uid, "1.2.3", good.transfer_syntax_uid, good.pieces)
    assert held(pseudonymizer().rewrite(claimed, SUBJECT)) == ("1.2.3", "SopInstanceUidMismatch")


def test_a_spool_that_fails_is_no_fault_of_the_instance(tmp_path: Path) -> None:
    instance = first_ct(tmp_path)
    (piece,) = instance.pieces
    assert isinstance(piece, FileSlice)
    piece.path.unlink()
    with pytest.raises(FileNotFoundError):
        pseudonymizer().rewrite(instance, SUBJECT)
    with pytest.raises(FileNotFoundError):
        TrialMarker().rewrite(instance, Subject(trial_id="TRIAL"))


def test_memory_that_runs_out_is_no_fault_of_the_instance(tmp_path: Path) -> None:
    class Exhausted:
        @property
        def trial_id(self) -> str:
            raise MemoryError

    with pytest.raises(MemoryError):
        TrialMarker().rewrite(first_ct(tmp_path), Exhausted())  # type: ignore[arg-type]  # a value that takes memory


def test_real_files_are_rewritten_or_quarantined_but_never_raise() -> None:
    outcomes = [pseudonymizer(profile=OPEN).rewrite(instance_of(i.path), SUBJECT) for i in valid_instances()]
    left = [o for o in outcomes if isinstance(o, Rewritten)]
    assert len(left) > len(outcomes) * 0.9, [o for o in outcomes if not isinstance(o, Rewritten)]


def test_a_trial_that_the_character_set_has_no_letters_for_is_not_written_otherwise(tmp_path: Path) -> None:
    instance = first_ct(tmp_path, UMLAUT)
    outcome = TrialMarker().rewrite(instance, Subject(trial_id="TRIAL", trial_name="Ωmega"))
    assert outcome == Quarantined(instance.sop_instance_uid, "TrialNotInCharacterSet")


def test_a_trial_on_an_identified_transfer_changes_those_two_values_only(tmp_path: Path) -> None:
    instance = first_ct(tmp_path, JAPANESE)
    marked = TrialMarker().rewrite(instance, Subject(trial_id="TRIAL"))
    assert isinstance(marked, Rewritten)
    before, after = elements_of(instance), elements_of(marked.instance)
    assert after.ClinicalTrialProtocolID == "TRIAL"
    del after.ClinicalTrialProtocolID
    assert after == before
