"""Free text without whom it names, and with what it says of the examination."""

import time
import unicodedata
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.encoded.encoding import EXPLICIT_LITTLE
from adit.encoded.writing import element
from adit.pseudonymization.cleaning import cleaned
from adit.pseudonymization.identifiers import NOTHING, Identifiers, Kind, identifiers_in
from adit.pseudonymization.residue import ResidueSearch

PATIENT = (
    identifiers_in(Kind.NAME, "Müller-Straß^Jan^Éloise")
    | identifiers_in(Kind.NAME, "山田^太郎")
    | identifiers_in(Kind.IDENTIFIER, "AB-1234")
    | identifiers_in(Kind.BIRTH_DATE, "19610512")
    | Identifiers(uids=frozenset({"1.2.3"}))
)


@pytest.mark.parametrize(
    "text",
    [
        "MR Abdomen",
        "MR HEAD W/O CONTRAST",
        "DR Thorax",
        "MRS Brain",
        "MS lesion, PD FS",
        "T1 MPRAGE 1.0 x 1.0 x 1.2 mm",
        "CT Thorax/Abdomen 0.75 B30f",
        "TR/TE 500/15, FA 90",
        "0.75 0.75 3.0",
        "Software VB17A 5.0.1",
        "January effect",
        "12 of 40 slices, 1/2",
        "Januar",
        "lung 1.2.4",
        "first line\r\nsecond line",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert cleaned(text, PATIENT) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("knee of MULLER-STRASS left", "knee of left"),
        ("mueller-strass knee", "knee"),
        ("the Straßes' knee", "the ' knee"),
        ("Eloise knee", "knee"),
        ("E\u0301loise knee", "knee"),
        ("JAN knee", "knee"),
        ("Januar knee", "Januar knee"),
        ("seen_jan_knee", "seen_ _knee"),
        ("ID ab1234", "ID"),
        ("ID (AB 1234)", "ID ( )"),
        ("ID xab-1234y", "ID"),
        ("所見は山田太郎に異常なし", "所見は に異常なし"),
        ("Mu\u00adeller\u200b-Strass knee", "knee"),
        ("see 1.2.3", "see"),
    ],
)
def test_the_patient_goes_in_every_spelling(text: str, left: str) -> None:
    assert cleaned(text, PATIENT) == left


@pytest.mark.parametrize(
    "who",
    [
        "Dr. Smith",
        "dr smith",
        "DR. SMITH",
        "Mr. Smith",
        "Mrs Smith",
        "Ms. O'Neill",
        "Miss Smith",
        "Herr Schmidt",
        "HERRN SCHMIDT",
        "Frau Schmidt-Öztürk",
        "Prof. Dr. med. A. von der Schmidt",
        "Professor Schmidt",
        "Dr.Schmidt",
        "Dr. John Smith",
        "Mme Dupont",
        "Frau Meier geb. Schulze",
        "née Smith",
    ],
)
def test_who_bears_a_title_goes_with_it(who: str) -> None:
    assert cleaned(f"knee {who} left", NOTHING) == "knee left"


@pytest.mark.parametrize(
    "text",
    [
        "smith@hospital.example",
        "https://pacs.example/4711",
        "www.hospital.example/x",
        "+49 6221 56 0",
        "06221 56-1234",
        "(06221) 561 234",
        "555-1234",
        "555-123-4567",
        "123456",
        "A123456B",
        "12-345678",
        "\u0661\u0662\u0663\u0664\u0665\u0666",
        "1.2.826.0.1.3680043",
        "12 May 1961",
        "12th of May, 1961",
        "May 12th, 1961",
        "12. Mai 61",
        "3. März 1961",
        "May 1961",
        "12.05.61",
        "5/1961",
        "12 05 1961",
        "12MAY1961",
    ],
)
def test_days_numbers_and_addresses_go(text: str) -> None:
    assert cleaned(f"knee {text} left", NOTHING) == "knee left"


WRITTEN = (
    "{0:%Y%m%d}",
    "{0:%Y-%m-%d}",
    "{0:%d.%m.%Y}",
    "{0.day}.{0.month}.{0.year}",
    "{0:%m/%d/%Y}",
    "{0:%d/%m/%Y}",
    "{0:%Y/%m/%d}",
    "{0:%Y.%m.%d}",
    "{0:%d%m%Y}",
    "{0:%d-%m-%Y}",
    "{0:%d.%m.%y}",
    "{0.day}. {0.month}. {0.year}",
    "{0:%d_%m_%Y}",
)


@settings(deadline=None)
@given(st.dates(date(1880, 1, 1), date(2099, 12, 31)), st.sampled_from(WRITTEN))
def test_every_day_goes_in_every_written_form(day: date, form: str) -> None:
    assert cleaned(f"seen on {form.format(day)}, left", NOTHING) in ("seen on , left", "seen on left")


words = st.text("abcdeßéíüöä ^-_.,0123456789\r\n", max_size=60)
names = st.text("abcdeéüß", min_size=1, max_size=7)


@settings(deadline=None)
@given(st.lists(names, min_size=1, max_size=3), words, words)
def test_no_part_of_a_name_is_left_and_cleaning_again_changes_nothing(
    parts: list[str], before: str, behind: str
) -> None:
    identifiers = identifiers_in(Kind.NAME, "^".join(parts))
    once = cleaned(f"{before}{parts[0]}{behind} {' '.join(parts)}", identifiers)
    assert not [word for word in identifiers.words if word in once.lower()]
    assert not identifiers.short & set(once.lower().split())
    assert cleaned(once, identifiers) == once


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


letters = st.text("aAeEiIsSßẞäÄéÉøØİ\u0131ς\u03c3ΣжЖ山洪 -'", min_size=1, max_size=9)


@settings(deadline=None)
@given(
    st.lists(letters, min_size=1, max_size=3),
    st.lists(st.integers(0, 2), max_size=6),
    st.sampled_from((str, str.upper, decomposed)),
)
def test_the_search_before_data_leaves_finds_nothing_in_what_was_cleaned(
    parts: list[str], order: list[int], written: Callable[[str], str]
) -> None:
    identifiers = identifiers_in(Kind.NAME, "^".join(parts))
    text = "x".join(parts[one % len(parts)] for one in order) + "^".join(parts)
    result = cleaned(written(text), identifiers).encode()
    data = element(0x00081030, b"LO", result, EXPLICIT_LITTLE)
    search = ResidueSearch(identifiers, ("utf8",))
    assert search.find([data], encoding=EXPLICIT_LITTLE) is None


def test_halves_that_meet_when_something_between_them_goes_are_found() -> None:
    identifiers = Identifiers(words=frozenset({"li wei"}))
    assert cleaned("seen li 123456 wei today", identifiers) == "seen today"


@settings(deadline=None)
@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert "  " not in cleaned(text, PATIENT)


@pytest.mark.parametrize(
    "piece", ["(", " ", "Dr ", "1.", "1 ", "müller ", "+1 ", "A. ", "von ", "Dr. A. ", "-", "a", "0" * 5]
)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    start = time.process_time()
    cleaned(text, PATIENT)
    assert time.process_time() - start < 1.0  # what is quadratic takes four
