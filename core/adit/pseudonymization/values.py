"""What becomes of one value: the actions of the rules on the bytes of an element that holds no items."""

import re
from dataclasses import dataclass

from adit.pseudonymization.actions import Action
from adit.pseudonymization.cleaning import cleaned
from adit.pseudonymization.dates import shifted
from adit.pseudonymization.identifiers import Identifiers
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import Patient
from adit.pseudonymization.texts import TEXT, decoded, encoded, values_of
from adit.pseudonymization.trace import Trace

DATES = frozenset({b"DA", b"DT", b"TM"})
_MOVES = frozenset({b"DA", b"DT"})
_FREE_TEXT = frozenset({b"LO", b"LT", b"SH", b"ST", b"UC", b"UR", b"UT", b"AE"})
_NUMBERS_AND_CODES = frozenset(
    {b"AS", b"CS", b"DS", b"IS", b"AT", b"FD", b"FL", b"SL", b"SS", b"SV", b"UL", b"US", b"UV"}
)
PATIENT_AGE = 0x00101010
# 45 CFR 164.514(b)(2)(i)(C): ages over 89 are one group.
OLDEST_YEARS, OLDEST = 89, b"090Y"
_DAYS_OF = {"D": 365, "W": 52, "M": 12, "Y": 1}
# What `shifted` takes for no date, and what is one all the same.
_PLACEHOLDER = re.compile(r"(?:00010101|18581117|19000101|9999[0-9]{4})[0-9.+-]{0,18}")
_OFFSET = re.compile(r"[+-][0-9]{4}")
# A dummy of a binary value is as long as the value, which may be a table's; a longer one is a blob.
LONGEST_ZEROS = 1 << 16


@dataclass(frozen=True, slots=True)
class Hand:
    """Everything that a value is rewritten with: of the project, of the patient, of the data set that it stands in."""

    keyring: Keyring
    patient: Patient
    identifiers: Identifiers
    codecs: tuple[str, ...]


def emptied_or_dummy(tag: int, vr: bytes, value: bytes, hand: Hand, trace: Trace) -> bytes:
    """A value of the same kind that tells nothing; what is empty stays so."""
    if not value.strip(b"\0 "):
        return b""
    if vr == b"UI":
        return mapped(value, hand, trace)
    if vr not in TEXT:
        return bytes(len(value)) if len(value) <= LONGEST_ZEROS else bytes(2)
    dummies = []
    for original in values_of(vr, decoded(vr, value, hand.codecs)):
        dummy = hand.patient.replacements.dummy(tag, vr, original) if original else ""
        dummies.append(dummy or "")
    trace.generated.update(dummy for dummy in dummies if dummy)
    return "\\".join(dummies).encode("ascii")


def mapped(value: bytes, hand: Hand, trace: Trace) -> bytes:
    """Each UID by the project's key; well-known ones stay."""
    originals = values_of(b"UI", decoded(b"UI", value, hand.codecs))
    news = [hand.keyring.uid(original) for original in originals]
    changed = [(original, new) for original, new in zip(originals, news, strict=True) if new != original]
    trace.replaced((original for original, _ in changed), (new for _, new in changed))
    return "\\".join(news).encode("ascii")


def moved(tag: int, vr: bytes, value: bytes, hand: Hand, trace: Trace) -> bytes:
    """Each date by the patient's own days; one that is no date becomes empty."""
    texts = values_of(vr, decoded(vr, value, hand.codecs))
    results = [shifted(vr, text, hand.patient.days) or "" if text else "" for text in texts]
    if vr in _MOVES:
        trace.dates.add(tag)
    return "\\".join(results).encode("ascii") if any(results) else b""


def cleaned_text(tag: int, vr: bytes, value: bytes, hand: Hand, trace: Trace) -> bytes:
    """Free text without identifiers; a dummy where its character set cannot be read or written."""
    text = decoded(vr, value, hand.codecs)
    if "\ufffd" in text:
        return emptied_or_dummy(tag, vr, value, hand, trace)
    result = "\\".join(cleaned(one, hand.identifiers) for one in values_of(vr, text))
    raw = encoded(vr, result, hand.codecs) if result.strip("\\ ") else None
    # Nothing left, or nothing that can be written: a value that is required must not become empty.
    return emptied_or_dummy(tag, vr, value, hand, trace) if raw is None else raw


def by_cleaning(vr: bytes) -> Action:
    """What CLEAN means for a value of this kind; a name is never clean, and nobody reads what is not text."""
    if vr in _FREE_TEXT:
        return Action.CLEAN
    if vr == b"UI":
        return Action.MAP_UID
    return Action.KEEP if vr in _NUMBERS_AND_CODES else Action.DUMMY


def are_dates(vr: bytes, value: bytes) -> bool:
    """Whether a value holds dates and times and nothing else; days that stand for "unknown" are dates too."""
    texts = values_of(vr, decoded(vr, value, ()))
    return all(not text or shifted(vr, text, -1) is not None or _PLACEHOLDER.fullmatch(text) for text in texts)


def is_offset(value: bytes) -> bool:
    """Whether a value is an offset from UTC, or none."""
    text = value.decode("latin-1").strip(" \0")
    return not text or _OFFSET.fullmatch(text) is not None


def capped_age(value: bytes) -> bytes | None:
    """090Y for an age beyond 89 years, None for one that may stay; what is no age becomes empty."""
    text = value.decode("latin-1").strip(" \0")
    if not text:
        return None
    per_year = _DAYS_OF.get(text[-1:])
    if per_year is None or not (text[:-1].isascii() and text[:-1].isdigit()):
        return b""
    return OLDEST if int(text[:-1]) // per_year > OLDEST_YEARS else None
