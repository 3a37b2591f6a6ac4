"""Searches what is about to leave: coarsely and fast in all of it, exactly where something was found."""

import mmap
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from adit.encoded.dictionary import keyword_of
from adit.encoded.elements import Buffer, Element, Malformed
from adit.encoded.encoding import Encoding
from adit.pseudonymization.identifiers import SHORTEST, Identifiers, Kind, kind_of
from adit.pseudonymization.residue.coincidence import (
    Value,
    is_chance,
    is_chance_in_bytes,
    is_ours,
    is_term_at,
    occurrences,
)
from adit.pseudonymization.residue.forms import (
    Forms,
    Sought,
    casefolded,
    folded,
    folded_text,
    forms_of_date,
    forms_of_word,
    python_codecs,
)
from adit.pseudonymization.residue.leaves import leaves
from adit.transfer.instance import FileSlice

IDENTIFIER_LEFT: Final = "IdentifierLeft"
# Stands for the attribute where the bytes are no data set.
UNREADABLE: Final = "Unreadable"

_WINDOW: Final = 1 << 20
# What lies across two windows is seen whole in one of them: a word of 64 characters of four bytes, and around it.
_OVERLAP: Final = 1024
# What touches the edge of a window is judged in the next, where its neighbours can be seen.
_EDGE: Final = 16
# UIDs of one study begin alike: a few beginnings stand for hundreds of UIDs. More than these are not looked for first.
_UID_BEGINNING: Final = 20
_MOST_BEGINNINGS: Final = 48
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_WELL_KNOWN: Final = "1.2.840.10008."
_SHORTEST_ODD: Final = 6
# Comparing probes with each other pays for a patient's dozens, not for thousands of names.
_MOST_COMPARED: Final = 500
# More forms than these seem to be in no object that is what it says.
_MOST_HITS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Residue:
    """That something is left, and in which attribute: never what it is."""

    reason: str
    attribute: str


class _Uids:
    """Original UIDs of one instance, as beginnings to look for and as a set to compare with."""

    def __init__(self, uids: Iterable[str]) -> None:
        wanted = [uid for uid in uids if len(uid) >= SHORTEST]
        plain = [uid for uid in wanted if _UID.fullmatch(uid) and not uid.startswith(_WELL_KNOWN)]
        self._whole = frozenset(uid.encode("ascii") for uid in plain)
        # What is no UID by its form is looked for as it stands, wherever that is.
        odd = (folded(uid.encode("utf-8", "replace")) for uid in wanted if not _UID.fullmatch(uid))
        self._odd = tuple(uid for uid in odd if len(uid) >= _SHORTEST_ODD)
        beginnings = {uid[:_UID_BEGINNING] for uid in self._whole}
        # An empty beginning is in everything: the elements are walked then, which takes the same for any number.
        self._beginnings = tuple(beginnings) if len(beginnings) <= _MOST_BEGINNINGS else (b"",)
        self._tokens = _tokens_of(min(map(len, self._whole), default=0))

    def seem_to_be_in(self, text: bytes) -> bool:
        """Whether one may stand in a folded text."""
        return any(map(text.__contains__, self._beginnings)) or any(map(text.__contains__, self._odd))

    def are_in(self, value: bytes) -> bool:
        """Whether one stands in a value; parts of longer UIDs do not count."""
        if self._odd and any(map(folded(value).__contains__, self._odd)):
            return True
        texts = (value, folded(value)) if b"\0" in value else (value,)
        return any(token.strip(b".") in self._whole for text in texts for token in self._tokens.findall(text))


@cache
def _tokens_of(shortest: int) -> re.Pattern[bytes]:
    """What may be a UID of this length or more."""
    return re.compile(rb"[0-9][0-9.]{%d,}" % max(shortest - 1, 0))


@dataclass(frozen=True, slots=True)
class _Case:
    """One instance: what may be left in it, and what may stay: values of our own, and dates that an option leaves."""

    encoding: Encoding
    uids: _Uids
    ours: Sequence[str]
    left_dates: frozenset[int]


class _Hits(NamedTuple):
    """What the coarse search found in a part: nothing else can be in an element of it."""

    forms: tuple[Forms, ...]
    uids: bool


class ResidueSearch:
    """The words and dates of one patient's identifiers in every form, made ready once.

    `codecs` are the data set's character sets, as terms of SpecificCharacterSet or as names of Python codecs.
    """

    def __init__(self, identifiers: Identifiers, codecs: Iterable[str] = ()) -> None:
        self._codecs = python_codecs(codecs)
        self._uids = identifiers.uids
        self._forms: tuple[Forms, ...] = (
            *(form for word in sorted(identifiers.words) for form in forms_of_word(word, self._codecs)),
            *(form for date in sorted(identifiers.dates) for form in forms_of_date(date)),
        )
        # Most forms of a date hold its year: one search for all of them.
        self._dates = tuple(
            (year, tuple(probe for form in forms_of_date(date) for probe in form.probes if year in probe))
            for date in sorted(identifiers.dates)
            for year in (f"{date.year:04}".encode(),)
        )
        dated = {probe for _, probes in self._dates for probe in probes}
        self._probes = _shortest({probe for form in self._forms for probe in form.probes} - dated)
        self._views = tuple(sorted({view for form in self._forms for view in form.views}))

    def find(
        self,
        parts: Iterable[bytes | FileSlice],
        *,
        encoding: Encoding,
        uids: Collection[str] = (),
        generated: Collection[str] = (),
        left_dates: frozenset[int] = frozenset(),
    ) -> Residue | None:
        """The first identifier that is left in the parts, each a run of whole elements; None where nothing is.

        `uids` are the originals that were mapped, `generated` the values that the rewriter made (new UIDs, shifted
        dates, replacements, marks; not what a person gave, such as a pseudonym): what lies inside one is no residue.
        """
        sought_uids = _Uids({*uids, *self._uids} if self._uids else uids)
        case: _Case | None = None
        for part in parts:
            if not self._may_hold(part, sought_uids):
                continue
            case = case or _Case(encoding, sought_uids, [folded_text(value) for value in generated], left_dates)
            residue = self._residue(part, case)
            if residue is not None:
                return residue
        return None

    def _may_hold(self, part: bytes | FileSlice, uids: _Uids) -> bool:
        """Whether something seems to be there; what is there always seems to."""
        for window in _windows(part):
            text = folded(window)
            if any(map(text.__contains__, self._probes)) or uids.seem_to_be_in(text):
                return True
            if any(year in text and any(map(text.__contains__, probes)) for year, probes in self._dates):
                return True
            if self._views and any(_are_seen(window, self._views)):
                return True
        return False

    def _hits(self, part: bytes | FileSlice, uids: _Uids) -> _Hits:
        forms: set[Forms] = set()
        some_uids = False
        for window in _windows(part):
            forms.update(_found(self._forms, window))
            some_uids = some_uids or uids.seem_to_be_in(folded(window))
        return _Hits(tuple(forms), some_uids)

    def _residue(self, part: bytes | FileSlice, case: _Case) -> Residue | None:
        hits = self._hits(part, case.uids)
        if len(hits.forms) > _MOST_HITS:
            return Residue(IDENTIFIER_LEFT, UNREADABLE)
        if isinstance(part, bytes):
            return self._residue_in(part, 0, len(part), hits, case)
        with part.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            return self._residue_in(buffer, part.start, part.start + part.length, hits, case)

    def _residue_in(self, buffer: Buffer, start: int, end: int, hits: _Hits, case: _Case) -> Residue | None:
        try:
            for element in leaves(buffer, start, end, case.encoding):
                if element.value != element.stop and self._is_left_in(buffer, element, hits, case):
                    return Residue(IDENTIFIER_LEFT, keyword_of(element.tag))
        except Malformed:
            return Residue(IDENTIFIER_LEFT, UNREADABLE)
        return None

    def _is_left_in(self, buffer: Buffer, element: Element, hits: _Hits, case: _Case) -> bool:
        value = Value(element.tag, element.vr, element.stop - element.value)
        for start in range(element.value, element.stop, _WINDOW):
            first, last = start == element.value, start + _WINDOW >= element.stop
            window = bytes(buffer[max(element.value, start - _OVERLAP) : min(start + _WINDOW, element.stop)])
            if hits.uids and case.uids.are_in(window):
                return True
            suspects = {form.sought for form in _found(hits.forms, window)}
            if element.tag in case.left_dates and kind_of(element.tag, element.vr) is not Kind.BIRTH_DATE:
                suspects = {sought for sought in suspects if not sought.is_date}
            if suspects and self._are_left(suspects, window, (first, last), value, case.ours):
                return True
        return False

    def _are_left(
        self, suspects: set[Sought], window: bytes, ends: tuple[bool, bool], value: Value, ours: Sequence[str]
    ) -> bool:
        lower = window.lower()
        for exact in (exact for sought in suspects for exact in sought.exact):
            if (exact in window or exact in lower) and not is_chance_in_bytes(exact, value):
                return True
        for text in self._texts(window, plain=all(sought.text.isascii() for sought in suspects)):
            terms: set[str] = set()
            lowest = 0 if ends[0] else _EDGE
            highest = len(text) if ends[1] else len(text) - _EDGE
            for sought in suspects:
                for start in occurrences(text, sought.text):
                    if not lowest <= start <= highest - len(sought.text):
                        continue
                    if is_ours(sought, text, start, ours):
                        continue
                    if is_term_at(sought, text, start, value):
                        terms.add(sought.text)
                    if len(terms) > 1 or not is_chance(sought, text, start, value):
                        return True  # two parts of names beside each other are a name, whatever each of them means
        return False

    def _texts(self, window: bytes, *, plain: bool) -> Iterator[str]:
        """The bytes as text, in every way in which somebody may read them; plain words stand in plain bytes as such."""
        yield folded_text(window.decode("latin-1"))
        if plain and window.isascii() and b"\0" not in window:
            return
        for name in dict.fromkeys(("utf-8", *self._codecs)):
            yield folded_text(window.decode(name, "ignore"))
        for name in ("utf-16-le", "utf-16-be"):
            yield folded_text(window.decode(name, "ignore"))
            yield folded_text(window[1:].decode(name, "ignore"))


def _shortest(probes: Iterable[bytes]) -> tuple[bytes, ...]:
    """Without those that hold another one: it is found where they are."""
    kept: list[bytes] = []
    ordered = sorted(probes, key=len)
    if len(ordered) > _MOST_COMPARED:
        return tuple(ordered)
    for probe in ordered:
        if not any(map(probe.__contains__, kept)):
            kept.append(probe)
    return tuple(kept)


def _found(forms: Iterable[Forms], window: bytes) -> Iterator[Forms]:
    """Those that seem to be in a window."""
    text = folded(window)
    for form in forms:
        if any(map(text.__contains__, form.probes)) or (form.views and any(_are_seen(window, form.views))):
            yield form


def _are_seen(window: bytes, views: Iterable[tuple[str, str]]) -> Iterator[bool]:
    """Whether each of these words stands in the window as its codec reads it."""
    texts: dict[str, str] = {}
    for name, word in views:
        if name not in texts:
            texts[name] = casefolded(window, name)
        yield word in texts[name]


def _windows(part: bytes | FileSlice) -> Iterator[bytes]:
    """A part in overlapping pieces of bounded size."""
    if isinstance(part, bytes):
        if len(part) <= 2 * _WINDOW:
            yield part
            return
        for start in range(0, len(part), _WINDOW):
            yield part[max(0, start - _OVERLAP) : start + _WINDOW]
        return
    behind = b""
    for chunk in part.chunks(_WINDOW):
        yield behind + chunk
        behind = chunk[-_OVERLAP:]
