"""What is planted anywhere in any way is found; where nothing is planted, in real files, nothing is."""

import random
import string
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.charset import python_encoding

from adit.encoded.elements import Malformed, elements
from adit.encoded.encoding import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding, encoding_of
from adit.encoded.writing import element, sequence
from adit.pseudonymization.identifiers import Identifiers, Kind, identifiers_in
from adit.pseudonymization.residue import UNREADABLE, ResidueSearch
from adit.testing.elements import inflated
from adit.testing.pydicom_files import valid_instances
from adit.transfer.part10 import open_part10
from adit.transfer.split import PIXEL_TAGS

LATIN, CYRILLIC, GREEK = string.ascii_letters + "äöüßéñłŁØ", "абвгдежзийклмнопрстуфхцчшщэюя", "αβγδεζηθικλμνξοπρτυφχψω"
SCRIPTS = (string.ascii_letters, LATIN, CYRILLIC, GREEK, "山田太郎中村健一", "김희중박민준이서연", "やまだたろう")
CODECS = ("ascii", "utf-8", "utf-16-le", "utf-16-be", *sorted(set(python_encoding.values())))
CASES = (str.lower, str.upper, str.title, str.swapcase, str)
TEXTS = ((0x00081030, b"LO"), (0x00080070, b"LO"), (0x00104000, b"LT"), (0x0040A160, b"UT"), (0x00291010, b"UN"))
ENCODINGS = (EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG)

names = (
    st.sampled_from(SCRIPTS)
    .flatmap(lambda script: st.text(script, min_size=4, max_size=12))
    .filter(lambda name: len(set(name.casefold())) > 1)
)
around = st.text(string.ascii_letters + " .,^-\\" + string.digits, max_size=30)


def encoded_as(text: str, codec: str) -> bytes | None:
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return None


def nested(inner: bytes, depth: int, encoding: Encoding) -> bytes:
    for _ in range(depth):
        inner = element(0x00080060, b"CS", b"CT", encoding) + sequence(0x00081140, b"SQ", [inner], encoding)
    return inner


@settings(max_examples=400, deadline=None)
@given(
    name=names,
    written=st.sampled_from(CASES),
    codec=st.sampled_from(CODECS),
    place=st.sampled_from(TEXTS),
    encoding=st.sampled_from(ENCODINGS),
    depth=st.integers(0, 3),
    before=around,
    after=around,
)
def test_a_planted_name_is_found(  # noqa: PLR0917  # every way to plant one
    name: str,
    written: Callable[[str], str],
    codec: str,
    place: tuple[int, bytes],
    encoding: Encoding,
    depth: int,
    before: str,
    after: str,
) -> None:
    identifiers = identifiers_in(Kind.NAME, f"{name}^Q")
    value = encoded_as(before + written(name) + after, codec)
    if not identifiers.words or value is None:
        return
    data = nested(element(*place, value, encoding), depth, encoding)
    residue = ResidueSearch(identifiers, (codec,)).find([data], encoding=encoding)
    assert residue is not None
    assert residue.attribute != UNREADABLE


@settings(max_examples=100, deadline=None)
@given(
    uid=st.integers(10**6, 2**128).map("1.2.276.{}".format),
    number=st.integers(10**7, 10**12).map(str).filter(lambda number: len(set(number)) > 1),
    depth=st.integers(0, 3),
    encoding=st.sampled_from(ENCODINGS),
    generated=st.lists(st.integers(10**20, 2**128).map("2.25.{}".format), max_size=20),
)
def test_a_planted_number_or_uid_is_found_among_our_own(
    uid: str, number: str, depth: int, encoding: Encoding, generated: list[str]
) -> None:
    ours = b"".join(element(0x00081155, b"UI", new.encode(), encoding) for new in generated)
    search = ResidueSearch(identifiers_in(Kind.IDENTIFIER, number))

    def is_left(planted: bytes) -> bool:
        data = ours + nested(planted, depth, encoding) + ours
        return search.find([data], encoding=encoding, uids=[uid, "1.2.3.4"], generated=generated) is not None

    assert not is_left(b"")
    assert is_left(element(0x0020000D, b"UI", uid.encode(), encoding))
    assert is_left(element(0x00081030, b"LO", f"see {uid}.".encode(), encoding))
    assert is_left(element(0x00081030, b"LO", f"see {number}.".encode(), encoding))


@cache
def real_heads() -> list[tuple[bytes, Encoding, Path]]:
    heads = []
    for stored in valid_instances():
        instance = open_part10(stored.path)
        data = bytes(inflated(b"".join(instance.chunks()), instance.transfer_syntax_uid))
        encoding = encoding_of(instance.transfer_syntax_uid)
        try:
            found = [one for one in elements(data, 0, len(data), encoding) if one.tag not in PIXEL_TAGS]
        except Malformed:
            continue
        heads.append((b"".join(data[one.start : one.end] for one in found), encoding, stored.path))
    return heads


def test_identifiers_of_others_are_in_no_real_file() -> None:
    choose = random.Random(6)
    others = Identifiers()
    for _ in range(40):
        word = "".join(choose.choices(string.ascii_lowercase, k=choose.randint(5, 10)))
        others |= identifiers_in(Kind.NAME, word)
        others |= identifiers_in(Kind.IDENTIFIER, str(choose.randrange(10**6, 10**9)))
        others |= identifiers_in(Kind.BIRTH_DATE, f"18{choose.randint(10, 99)}0304")
    search = ResidueSearch(others, ("ISO_IR 100",))
    uids = [f"1.2.276.0.7230010.3.{choose.getrandbits(60)}" for _ in range(60)]
    heads = real_heads()
    assert len(heads) > 40
    assert [path.name for head, encoding, path in heads if search.find([head], encoding=encoding, uids=uids)] == []


def test_its_own_patient_is_in_every_real_file() -> None:
    missed = []
    for head, encoding, path in real_heads():
        for one in elements(head, 0, len(head), encoding, until=lambda tag: tag > 0x00100020):
            if one.tag in (0x00100010, 0x00100020):
                kind = Kind.NAME if one.tag == 0x00100010 else Kind.IDENTIFIER
                identifiers = identifiers_in(kind, head[one.value : one.stop].decode("latin-1"))
                if identifiers.words and ResidueSearch(identifiers).find([head], encoding=encoding) is None:
                    missed.append((path.name, one.tag))
    assert missed == []


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=150, deadline=None)
@given(noise=st.binary(max_size=200), many=st.integers(0, 60))
def test_any_bytes_are_searched_without_an_error(encoding: Encoding, noise: bytes, many: int) -> None:
    identifiers = identifiers_in(Kind.NAME, "Smith^Иванов") | identifiers_in(Kind.BIRTH_DATE, "19620304")
    uids = [f"1.2.{number * 7919}.3" for number in range(many)]
    search = ResidueSearch(identifiers)
    assert search.find([noise + b"Smith" + noise], encoding=encoding, uids=uids) is not None or noise
    search.find([element(0x00291010, b"OB", noise, encoding)], encoding=encoding, uids=uids)
