"""How an identifier may be written: as text, and as the byte strings that a first, coarse search looks for."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

from pydicom.charset import python_encoding

# Letters in lower case and no NUL: the text of UTF-16 then reads as that of ASCII does.
_LOWER: Final = bytes(range(256)).lower()
# A byte string that is as long as this is found by its beginning.
_PROBE_BYTES: Final = 32
# This many ASCII letters in a row are looked for in the place of a word that differs with every character set.
_FRAGMENT: Final = 4
# With more letters than these every spelling in upper and lower case would be too many to look for.
_MOST_CASED: Final = 3
# Read as text whatever a data set declares: UTF-8, the commonest undeclared one, and both byte orders of UTF-16.
_ALWAYS: Final = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
# Byte strings are looked for in every character set of DICOM's: an item may declare another one than its data set. Not
# in those of seven bits, whose Kanji are ASCII digits and letters, unless declared.
_EVERY: Final = tuple(
    dict.fromkeys((*_ALWAYS, *sorted(name for name in python_encoding.values() if not name.startswith("iso2022"))))
)

_TWO_LETTERS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe"})
_TELLING_DIGITS: Final = 6
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_ASCII_RUN = re.compile(r"[ -~]+")
# Switches between character sets; around a word they may stand elsewhere, inside it they belong to it.
_OUTER_ESCAPES = re.compile(rb"^(?:\x1b[ -/]+[0-~])+|(?:\x1b[ -/]+[0-~])+$")


@dataclass(frozen=True, slots=True)
class Sought:
    """One text that may not leave, folded; `exact` are its bytes where these depend on the character set.

    They are as they stand, or of lower case as far as ASCII goes.
    """

    text: str
    is_date: bool = False
    exact: frozenset[bytes] = frozenset()

    @property
    def is_short_number(self) -> bool:
        """Whether it is a number like those that measure something."""
        return len(self.text) < 8 and self.text.replace(".", "").isdecimal()  # noqa: PLR2004  # digits of a date


@dataclass(frozen=True, slots=True)
class Forms:
    """What the coarse search looks for: folded byte strings, and texts in bytes decoded by a codec."""

    sought: Sought
    probes: frozenset[bytes]
    views: frozenset[tuple[str, str]] = frozenset()


def folded(data: bytes) -> bytes:
    """Lower case and without NUL: no occurrence of a folded byte string is lost by it."""
    return data.translate(_LOWER, b"\0")


def folded_text(text: str) -> str:
    """Texts that differ in nothing but case or composition of characters become one."""
    return unicodedata.normalize("NFC", text.casefold())


def casefolded(data: bytes, name: str) -> str:
    """The bytes as text of a codec, as far as they are any; of UTF-16 also as if they began one byte later."""
    text = data.decode(name, "ignore").casefold()
    return f"{text}\n{data[1:].decode(name, 'ignore').casefold()}" if name.startswith("utf-16") else text


def python_codecs(declared: Iterable[str]) -> tuple[str, ...]:
    """Names of codecs by terms of SpecificCharacterSet or by names; what does not exist is left out."""
    return tuple(
        dict.fromkeys(name for term in declared if (name := python_encoding.get(term, term)) and _exists(name))
    )


@lru_cache(maxsize=512)
def forms_of_word(word: str, declared: tuple[str, ...]) -> tuple[Forms, ...]:
    """All forms of a word in the character sets of DICOM, and how its texts read in those that are declared."""
    lower = unicodedata.normalize("NFC", word.lower())
    spellings = sorted({lower, lower.replace("ss", "ß"), lower.replace("ß", "ss")})
    others = {_in_two_letters(lower), _without_punctuation(lower)} - {*spellings, ""}
    return (
        *(_forms(folded_text(word), spelling, declared) for spelling in spellings),
        *(_forms(folded_text(other), other, declared) for other in sorted(others)),
    )


def _in_two_letters(word: str) -> str:
    """As a header without umlauts has it: mueller."""
    return word.translate(_TWO_LETTERS)


def _without_punctuation(word: str) -> str:
    """A number as another system writes it, 47110815 for 4711-0815; empty where that would not tell anything."""
    compact = "".join(filter(str.isalnum, word))
    return compact if sum(map(str.isdigit, compact)) >= _TELLING_DIGITS else ""


def forms_of_date(date: dt.date) -> Iterator[Forms]:
    """The ways to write a date in digits, and those with the month in three letters."""
    year, month, day = f"{date.year:04}", f"{date.month:02}", f"{date.day:02}"
    written = {f"{day}.{month}.{year}", f"{date.day}.{date.month}.{year}", f"{month}/{day}/{year}"}
    written |= {f"{date.day}/{date.month}/{year}", f"{date.month}/{date.day}/{year}", f"{day}/{month}/{year}"}
    written |= {between.join((year, month, day)) for between in ("", "-", "/", ".", " ", "_")}
    written |= {between.join((day, month, year)) for between in ("", "-", " ", "_")}
    name = _MONTHS[date.month - 1]
    written |= {between.join((day, name, year)) for between in ("", "-", " ", ".", ". ")}
    written |= {f"{day}.{month}.{year[2:]}", f"{day}/{month}/{year[2:]}", f"{month}/{day}/{year[2:]}"}
    for text in written:
        yield Forms(Sought(text, is_date=True), frozenset((text.encode(),)))


def _forms(text: str, word: str, declared: tuple[str, ...]) -> Forms:
    if word.isascii():
        return Forms(Sought(text), frozenset((_probe(word.encode()),)))
    cased = sum(not character.isascii() and character != character.upper() for character in word)
    spellings = _both_cases(word) if cased <= _MOST_CASED else {word, word.upper(), word.title()}
    spellings |= {unicodedata.normalize("NFD", spelling) for spelling in spellings}
    raw = frozenset(_encoded(spellings, (*_EVERY, *declared)))
    exact = frozenset(map(bytes.lower, raw)) if word != word.upper() else raw
    # ß in capitals is plain SS: that is a text, and judged as one.
    exact = frozenset(one for one in exact if one.decode("latin-1").casefold() != text)
    fragment = max(_ASCII_RUN.findall(word), key=len, default="")
    if len(fragment) >= _FRAGMENT:
        return Forms(Sought(text, exact=exact), frozenset((_probe(fragment.encode()),)))
    probes = frozenset(map(_probe, raw))
    if cased <= _MOST_CASED:
        return Forms(Sought(text, exact=exact), probes)
    composed = (unicodedata.normalize("NFC", word), unicodedata.normalize("NFD", word))
    return Forms(Sought(text, exact=exact), probes, frozenset(product((*_ALWAYS, *declared), composed)))


def _both_cases(word: str) -> set[str]:
    """Every spelling; that of ASCII letters does not matter."""
    choices = [{character} if character.isascii() else {character, character.upper()} for character in word]
    return {"".join(chosen) for chosen in product(*choices)}


def _encoded(spellings: Iterable[str], names: tuple[str, ...]) -> Iterator[bytes]:
    """Bytes in every codec that has the characters, without what switches to a character set and back."""
    for spelling, name in product(spellings, names):
        try:
            yield _OUTER_ESCAPES.sub(b"", spelling.encode(name))
        except UnicodeEncodeError:
            continue


def _probe(data: bytes) -> bytes:
    return folded(data)[:_PROBE_BYTES]


def _exists(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True
