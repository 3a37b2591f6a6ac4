"""The last search before data leaves: what it finds, and what it knows to be a coincidence."""

import datetime as dt
from pathlib import Path

import pytest

from adit.encoded.encoding import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from adit.encoded.writing import element, sequence
from adit.pseudonymization.identifiers import Identifiers, Kind, identifiers_in
from adit.pseudonymization.residue import UNREADABLE, Residue, ResidueSearch
from adit.transfer.instance import FileSlice

STUDY_DESCRIPTION, SLICE_THICKNESS, SOP_INSTANCE_UID, STUDY_DATE = 0x00081030, 0x00180050, 0x00080018, 0x00080020
SMITH = identifiers_in(Kind.NAME, "Smith^Jonathan") | identifiers_in(Kind.IDENTIFIER, "1234")
BORN = Identifiers(dates=frozenset({dt.date(1962, 3, 4)}))
UID = "1.2.840.113619.2.99.1234.5678"


def text_of(value: bytes, tag: int = STUDY_DESCRIPTION, vr: bytes = b"LO") -> bytes:
    return element(tag, vr, value, EXPLICIT_LITTLE)


def found(identifiers: Identifiers, data: bytes, *codecs: str) -> str | None:
    return attribute(ResidueSearch(identifiers, codecs).find([data], encoding=EXPLICIT_LITTLE))


def attribute(residue: Residue | None) -> str | None:
    return None if residue is None else residue.attribute


@pytest.mark.parametrize("encoding", [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG])
def test_a_name_is_found_in_every_encoding(encoding: Encoding) -> None:
    data = element(0x00080060, b"CS", b"CT", encoding) + element(STUDY_DESCRIPTION, b"LO", b"CT of Smith", encoding)
    residue = ResidueSearch(SMITH).find([data], encoding=encoding)
    assert residue == Residue("IdentifierLeft", "StudyDescription")


@pytest.mark.parametrize(
    "value", [b"SMITH", b"sMiTh", b"dr.smith,j", b"xxsmithxx", "Smith".encode("utf-16-le"), b"JONATHAN "]
)
def test_a_name_is_found_however_it_stands(value: bytes) -> None:
    assert found(SMITH, text_of(value)) == "StudyDescription"


@pytest.mark.parametrize("value", [b"Smit", b"S M I T H", b"", b"Head CT"])
def test_what_is_no_identifier_is_not_found(value: bytes) -> None:
    assert found(SMITH, text_of(value)) is None


def test_a_name_across_two_elements_is_none() -> None:
    assert found(SMITH, text_of(b"of Smi") + text_of(b"th here", 0x0008103E)) is None


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Müller^A", "MÜLLER"),
        ("Müller^A", "mu\u0308ller"),
        ("Böhm^Jo", "BÖHM"),
        ("Böhm^Jo", "bo\u0308hm"),
        ("Groß^A", "GROSS"),
        ("Gross^A", "Groß"),
        ("Müßig^A", "MÜSSIG"),
        ("Иванов^Пётр", "иВАНОВ"),
        ("Παπαδόπουλος^A", "ΠΑΠΑΔΌΠΟΥΛΟΣ"),
        ("Yamada^Tarou=山田^太郎", "患者は山田です"),
        ("Li^Wei", "patient LI, WEI"),
        ("김^민준", "김 민준"),
    ],
)
def test_a_name_is_found_in_unicode(name: str, written: str) -> None:
    identifiers = identifiers_in(Kind.NAME, name)
    for codec in ("utf-8", "utf-16-le", "utf-16-be"):
        assert found(identifiers, text_of(written.encode(codec), vr=b"UT")) == "StudyDescription"
        assert found(identifiers, text_of(b"x" + written.encode(codec), vr=b"UT")) == "StudyDescription"


@pytest.mark.parametrize(
    ("name", "declared", "written"),
    [
        ("Müller^A", "ISO_IR 100", "MÜLLER".encode("latin-1")),
        ("Böhm^A", "", "BÖHM".encode("latin-1")),
        ("Łukasz^A", "ISO_IR 101", "łUKASZ".encode("iso8859_2")),
        ("Иванов^A", "ISO_IR 144", "ИванОВ".encode("iso8859_5")),
        ("山田^太郎", "ISO 2022 IR 87", "様 山田".encode("iso2022_jp")),
        ("山田^太郎", "ISO 2022 IR 87", "私は山田で".encode("iso2022_jp")),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ISO_IR 13", "ﾔﾏﾀﾞ".encode("shift_jis")),
        ("表示^能力", "ISO_IR 13", "能力".encode("shift_jis")),
        ("김희중^A", "ISO 2022 IR 149", b"\x1b$)C" + "김희중".encode("euc_kr")),
        ("王小东^A", "GB18030", "王小东".encode("gb18030")),
        ("张^小东", "ISO 2022 IR 58", b"\x1b$)A" + "小东".encode("gb2312")),
    ],
)
def test_a_name_is_found_in_the_declared_character_set(name: str, declared: str, written: bytes) -> None:
    assert found(identifiers_in(Kind.NAME, name), text_of(b"of " + written), declared) == "StudyDescription"


@pytest.mark.parametrize(
    ("name", "codec"),
    [("Łukasz^A", "iso8859_2"), ("Łuk^Żółw", "iso8859_2"), ("Иванов^A", "iso8859_5"), ("山田^太郎", "gb18030")],
)
def test_a_name_is_found_in_a_character_set_that_only_an_item_declares(name: str, codec: str) -> None:
    word = name.replace("^", " ").upper()
    assert found(identifiers_in(Kind.NAME, name), text_of(b"of " + word.encode(codec))) == "StudyDescription"


def test_a_character_set_that_does_not_exist_is_left_out() -> None:
    assert found(SMITH, text_of(b"Smith"), "ISO_IR 9999", "base64") == "StudyDescription"


@pytest.mark.parametrize(
    "written",
    [
        b"19620304",
        b"born 1962-03-04.",
        b"04.03.1962",
        b"*4.3.1962",
        b"03/04/1962",
        b"4/3/1962",
        b"1962/03/04",
        b"1962.03.04",
        b"04031962",
        b"04-03-1962",
        b"19620304101500.1",
        b"1962030410",
        "04.03.1962".encode("utf-16-le"),
        b"04 03 1962",
        b"1962_03_04",
        b"04MAR1962",
        b"04-Mar-1962",
        b"04.03.62",
        b"19620304111",
    ],
)
def test_a_date_of_birth_is_found_in_its_written_forms(written: bytes) -> None:
    assert found(BORN, text_of(written)) == "StudyDescription"


@pytest.mark.parametrize(
    "written", [b"14.03.1962", b"04.03.19621", b"119620304", b"1.2.19620304.7", b"0.196203041", b"196203041111111"]
)
def test_a_longer_number_is_no_date_of_birth(written: bytes) -> None:
    assert found(BORN, text_of(written)) is None


@pytest.mark.parametrize(
    ("value", "vr"),
    [
        (b"0.12345", b"DS"),
        (b"1234\\1", b"DS"),
        (b"1234", b"IS"),
        (b"101234.5", b"TM"),
        (b"99912345", b"LO"),
        (b"1.3.12.1234.5", b"UI"),
        (b"v1.1234", b"LO"),
    ],
)
def test_a_short_number_is_none_in_a_longer_one_or_in_a_measurement(value: bytes, vr: bytes) -> None:
    assert found(SMITH, text_of(value, vr=vr)) is None


@pytest.mark.parametrize("value", [b"1234", b"ID1234", b"1234-5", b"no. 1234."])
def test_a_short_number_is_found_where_it_stands_alone(value: bytes) -> None:
    assert found(SMITH, text_of(value)) == "StudyDescription"


def test_a_name_is_found_wherever_it_hides() -> None:
    inner = text_of(b"Smith")
    implicit = element(STUDY_DESCRIPTION, b"LO", b"Smith", IMPLICIT_LITTLE)
    nested = sequence(
        0x00081140, b"SQ", [sequence(0x00081199, b"SQ", [text_of(b""), inner], EXPLICIT_LITTLE)], EXPLICIT_LITTLE
    )
    assert found(SMITH, nested) == "StudyDescription"
    assert found(SMITH, sequence(0x00081140, b"UN", [implicit], EXPLICIT_LITTLE)) == "StudyDescription"
    assert found(SMITH, text_of(b"\0\1\2\3SMITH\xff", 0x00291010, b"UN")) == "00291010"
    assert found(SMITH, text_of(b"\0\1\2\3SMITH\xff", 0x00291010, b"OB")) == "00291010"


def test_a_value_that_we_made_may_hold_one() -> None:
    search = ResidueSearch(SMITH | BORN | Identifiers(words=frozenset({"remo"})))
    uid = "2.25.123499196203041234"
    data = (
        text_of(f"{uid}\\2.25.8".encode(), SOP_INSTANCE_UID, b"UI")
        + text_of(b"REMOVED")
        + text_of(b"19620304", 0x20, b"DA")
    )
    made = (uid, "REMOVED", "19620304")
    assert search.find([data], encoding=EXPLICIT_LITTLE, generated=made) is None
    assert search.find([data], encoding=EXPLICIT_LITTLE) is not None
    beside = data + text_of(b"REMOVED REMO", 0x0008103E)
    assert attribute(search.find([beside], encoding=EXPLICIT_LITTLE, generated=made)) == "SeriesDescription"


def test_the_date_of_a_newborns_study_may_stay_where_an_option_leaves_dates() -> None:
    search = ResidueSearch(BORN)
    study_date, left = text_of(b"19620304", STUDY_DATE, b"DA"), frozenset({STUDY_DATE})
    assert search.find([study_date], encoding=EXPLICIT_LITTLE, left_dates=left) is None
    assert attribute(search.find([study_date], encoding=EXPLICIT_LITTLE)) == "StudyDate"
    other = study_date + text_of(b"19620304", 0x00100030, b"DA")
    assert attribute(search.find([other], encoding=EXPLICIT_LITTLE, left_dates=left)) == "PatientBirthDate"
    birth, blind = text_of(b"19620304", 0x00100030, b"DA"), frozenset({0x00100030})
    assert attribute(search.find([birth], encoding=EXPLICIT_LITTLE, left_dates=blind)) == "PatientBirthDate"
    name = text_of(b"Smith", STUDY_DATE, b"DA")
    assert attribute(ResidueSearch(SMITH).find([name], encoding=EXPLICIT_LITTLE, left_dates=left)) == "StudyDate"


@pytest.mark.parametrize("many", [1, 40, 3000])
@pytest.mark.parametrize("encoding", [EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG])
def test_an_original_uid_is_found_among_any_number(many: int, encoding: Encoding) -> None:
    uids = {UID, *(f"2.25.{number * 104729:030d}" for number in range(many))}
    search = ResidueSearch(SMITH)
    clean = b"".join(element(0x00081155, b"UI", f"2.25.{number}".encode(), encoding) for number in range(50))
    assert search.find([clean], encoding=encoding, uids=uids) is None
    # The next tag begins with a digit, and the length before ends with one.
    left = (
        clean + element(0x00081155, b"UI", f"1.2\\{UID}".encode(), encoding) + element(0x00320012, b"LO", b"", encoding)
    )
    assert attribute(search.find([left], encoding=encoding, uids=uids)) == "ReferencedSOPInstanceUID"
    wide = clean + element(0x00291010, b"OB", UID.encode("utf-16-le"), encoding)
    assert attribute(search.find([wide], encoding=encoding, uids=uids)) == "00291010"


@pytest.mark.parametrize("value", [UID + "9", UID + ".1", "9" + UID, UID[:-1]])
def test_a_uid_that_begins_like_an_original_one_is_another(value: str) -> None:
    data = text_of(value.encode(), SOP_INSTANCE_UID, b"UI")
    assert ResidueSearch(SMITH).find([data], encoding=EXPLICIT_LITTLE, uids={UID}) is None


def test_uids_of_the_standard_are_nobodys() -> None:
    data = text_of(b"1.2.840.10008.5.1.4.1.1.2", 0x00080016, b"UI")
    identifiers = Identifiers(words=frozenset({"10008"}))
    assert ResidueSearch(identifiers).find([data], encoding=EXPLICIT_LITTLE, uids={"1.2.840.10008.5.1.4.1.1.2"}) is None


def test_what_cannot_be_read_as_a_data_set_does_not_leave() -> None:
    assert found(SMITH, text_of(b"Smith")[:-1]) == UNREADABLE
    assert found(SMITH, b"Smith") == UNREADABLE
    deep = text_of(b"Smith")
    for _ in range(200):
        deep = sequence(0x00081140, b"SQ", [deep], EXPLICIT_LITTLE)
    assert found(SMITH, deep) == UNREADABLE


@pytest.mark.parametrize(
    ("name", "tag", "vr", "value"),
    [
        ("Head", 0x00180015, b"CS", b"HEAD"),
        ("Port", 0x00181402, b"CS", b"A_PORTRAIT\\B"),
        ("Philip", 0x00080070, b"LO", b"Philips Healthcare"),
        ("Carl", 0x00080070, b"LO", b"Carl Zeiss Meditec"),
        ("Hand", 0x00080104, b"LO", b"Left hand"),
    ],
)
def test_a_term_names_nobody_where_terms_stand(name: str, tag: int, vr: bytes, value: bytes) -> None:
    identifiers = identifiers_in(Kind.NAME, name)
    assert found(identifiers, text_of(value, tag, vr)) is None
    assert found(identifiers, text_of(value)) == "StudyDescription"
    beside = text_of(value + b" " + name.encode() + b"x", tag, vr)
    assert found(identifiers, beside) is not None


def test_few_letters_in_a_measurement_are_chance() -> None:
    noise = b"\xfeannaZ" * 2000
    anna = Identifiers(words=frozenset({"anna"}))
    assert found(anna, text_of(noise, 0x00660016, b"OF")) is None
    assert found(anna, text_of(noise, 0x00291010, b"OB")) is None
    assert found(anna, text_of(b"\xfeannaZ", 0x00291010, b"OB")) == "00291010"
    assert found(anna, text_of(noise + b"name=Anna;", 0x00291010, b"OB")) == "00291010"


@pytest.mark.parametrize("position", [0, 1, (1 << 20) - 3, (1 << 20) + 1, (2 << 20) - 5, 3 << 20])
def test_a_large_file_is_searched_in_windows(tmp_path: Path, position: int) -> None:
    value = bytearray(b" " * ((3 << 20) + 8))
    value[position : position + 8] = b"JONATHAN"
    path = tmp_path / "spilled"
    before = text_of(b"Smith")
    path.write_bytes(before + text_of(bytes(value), 0x00420011, b"OB") + b"Smith")
    part = FileSlice(path, len(before), path.stat().st_size - len(before) - 5)
    search = ResidueSearch(SMITH)
    assert attribute(search.find([b"", part], encoding=EXPLICIT_LITTLE)) == "EncapsulatedDocument"
    assert attribute(search.find([part.read()], encoding=EXPLICIT_LITTLE)) == "EncapsulatedDocument"
    assert ResidueSearch(BORN).find([part], encoding=EXPLICIT_LITTLE) is None


def test_a_number_across_two_windows_is_judged_by_its_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "spilled"
    value = b"9" * (1 << 20) + b"1234" + b"9" * (1 << 20)
    for shift in range(12):
        path.write_bytes(text_of(value[shift:], 0x00420011, b"OB"))
        assert ResidueSearch(SMITH).find([FileSlice(path, 0, path.stat().st_size)], encoding=EXPLICIT_LITTLE) is None


def test_a_residue_does_not_tell_what_it_is() -> None:
    assert "smith" not in repr(ResidueSearch(SMITH).find([text_of(b"Smith")], encoding=EXPLICIT_LITTLE)).lower()
