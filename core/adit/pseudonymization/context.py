"""What the instances of one patient and study share: the patient's key and days, the identifiers to look for, the memo.

A context is chosen by the bytes of every top-level element that identifies somebody, and of the character set. What is
remembered in it depends on these, on the element's own bytes, and on nothing else.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from adit.encoded.elements import Element
from adit.encoded.encoding import Encoding
from adit.pseudonymization.actions import Action
from adit.pseudonymization.data_set import Part, TopLevel
from adit.pseudonymization.identifiers import NOTHING, Identifiers, kind_of
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import PatientIdentity
from adit.pseudonymization.residue import ResidueSearch
from adit.pseudonymization.rewriting import Rewriting, effective_vr, identifiers_of
from adit.pseudonymization.trace import Entry
from adit.pseudonymization.values import Hand

# An element that is longer is seldom the same twice.
LONGEST_REMEMBERED = 1 << 16
MEMO_BYTES = 2 << 20
MAX_CONTEXTS = 8
_ENTRY_OVERHEAD = 200

CHARACTER_SET = 0x00080005
PATIENT_NAME, PATIENT_ID, ISSUER, BIRTH_DATE = 0x00100010, 0x00100020, 0x00100021, 0x00100030
# Whom a patient's key, days and texts depend on, beside everything that identifies somebody.
_ALWAYS = frozenset({CHARACTER_SET, PATIENT_NAME, PATIENT_ID, ISSUER, BIRTH_DATE})


@dataclass(slots=True)
class Memo:
    """Elements as they arrived → as they leave; emptied when it is full."""

    limit: int = MEMO_BYTES
    _entries: dict[bytes, Entry] = field(default_factory=dict)
    _bytes: int = 0

    def get(self, raw: bytes) -> Entry | None:
        return self._entries.get(raw)

    def put(self, raw: bytes, entry: Entry) -> None:
        size = len(raw) + len(entry.out) + _ENTRY_OVERHEAD
        if self._bytes + size > self.limit:
            self._entries.clear()
            self._bytes = 0
        self._entries[raw] = entry
        self._bytes += size


@dataclass(slots=True)
class Context:
    """One patient's study, as far as it is the same in all instances."""

    hand: Hand
    memo: Memo | None
    _searches: "OrderedDict[Identifiers, ResidueSearch]" = field(default_factory=OrderedDict)

    def search(self, more: Identifiers) -> ResidueSearch:
        """The search for the context's identifiers and those that one instance holds beside them, compiled once."""
        wanted = self.hand.identifiers | more
        found = self._searches.get(wanted)
        if found is None:
            found = self._searches[wanted] = ResidueSearch(wanted, self.hand.codecs)
            if len(self._searches) > MAX_CONTEXTS:
                self._searches.popitem(last=False)
        return found


class Contexts:
    """The contexts that were used last, or a new one for each instance where nothing is to be remembered."""

    def __init__(self, keyring: Keyring, rewriting: Rewriting, *, memoise: bool) -> None:
        self._keyring = keyring
        self._rewriting = rewriting
        self._memoise = memoise
        self._kept: OrderedDict[bytes, Context] = OrderedDict()

    def of(self, part: Part, top: TopLevel, encoding: Encoding) -> Context:
        """The context of a head."""
        identifying = [
            one for one in part.found if one.tag in _ALWAYS or kind_of(one.tag, effective_vr(one)) is not None
        ]
        if not self._memoise:
            return self._made(top, identifying, memo=None)
        raws = (bytes(part.buffer[one.start : one.end]) for one in identifying)
        key = joined((bytes((encoding.implicit_vr, encoding.little_endian)), *raws))
        context = self._kept.get(key)
        if context is None:
            context = self._kept[key] = self._made(top, identifying, Memo())
            if len(self._kept) > MAX_CONTEXTS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return context

    def _made(self, top: TopLevel, identifying: Iterable[Element], memo: Memo | None) -> Context:
        found: Identifiers = NOTHING
        for one in identifying:
            kind = kind_of(one.tag, effective_vr(one))
            if kind is not None and self._rewriting.rule(one).action is not Action.KEEP:
                found |= identifiers_of(kind, effective_vr(one), top.raw(one.tag), top.codecs)
        identity = PatientIdentity(
            issuer=top.text(ISSUER),
            patient_id=top.text(PATIENT_ID),
            name=top.text(PATIENT_NAME),
            birth_date=top.text(BIRTH_DATE),
        )
        return Context(Hand(self._keyring, self._keyring.patient(identity), found, top.codecs), memo)


def joined(parts: Iterable[bytes]) -> bytes:
    """Parts as one key that no other parts give."""
    return b"".join(_with_lengths(parts))


def _with_lengths(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield len(part).to_bytes(4, "big")
        yield part


def memoisable(one: Element) -> bool:
    """Whether what an element becomes depends on itself and its context alone: private ones need their creator."""
    return not one.tag & 0x10000 and one.end - one.start <= LONGEST_REMEMBERED
