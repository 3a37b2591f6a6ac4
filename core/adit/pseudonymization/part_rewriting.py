"""Head and trailer of an instance, element by element in the order of their tags; what recurs is remembered."""

from collections.abc import Mapping

from adit.encoded.elements import Element, elements
from adit.pseudonymization.actions import Action
from adit.pseudonymization.context import Context, Memo, memoisable
from adit.pseudonymization.data_set import Part
from adit.pseudonymization.leaving import Leaving
from adit.pseudonymization.private_blocks import PrivateBlocks
from adit.pseudonymization.rewriting import Place, Rewriting
from adit.pseudonymization.ruleset import Ruleset
from adit.pseudonymization.trace import Entry, Trace

_NO_BLOCKS = PrivateBlocks()


class PartRewriting:
    """Rewrites the top level by one set of rules; the plain and the remembered way give the same bytes."""

    def __init__(self, ruleset: Ruleset, rewriting: Rewriting) -> None:
        self._ruleset = ruleset
        self._rewriting = rewriting

    def write(
        self, part: Part, place: Place, context: Context, *, fixed: Mapping[int, bytes], trace: Trace, leaving: Leaving
    ) -> None:
        """Write what the elements become; `fixed` ones stand in place of what arrived, empty ones for nothing."""
        ordered = sorted(part.found, key=_tag)
        blocks = _NO_BLOCKS
        if self._rewriting.keeps_private:
            blocks = PrivateBlocks.of(place, ordered, self._ruleset)
        memo, waiting = context.memo, sorted(fixed)
        for one in ordered:
            while waiting and waiting[0] <= one.tag:
                leaving.write(fixed[waiting.pop(0)])
            if one.tag in fixed:
                # What it was is sought like everything that goes, each time that it stands there.
                trace.witnessed(self._entry(place, one, memo))
                trace.did(one.tag, Action.SET if fixed[one.tag] else Action.REMOVE)
            elif memo is not None and memoisable(one):
                entry = self._entry(place, one, memo)
                trace.add(entry)
                if entry.out:
                    leaving.write(entry.out)
            else:
                self._rewriting.element(place, one, blocks, trace, leaving.write)
        leaving.extend(fixed[tag] for tag in waiting)

    def text_of(self, part: Part, place: Place, tag: int) -> str:
        """The text that an element of the top level will have."""
        written: list[bytes] = []
        for one in part.found:
            if one.tag == tag:
                self._rewriting.element(place, one, _NO_BLOCKS, Trace(), written.append)
        raw = b"".join(written)
        for one in elements(raw, 0, len(raw), place.encoding):
            return raw[one.value : one.stop].decode("latin-1").strip(" \0")
        return ""

    def _entry(self, place: Place, one: Element, memo: Memo | None) -> Entry:
        """What becomes of an element, remembered where it may be."""
        raw = bytes(place.buffer[one.start : one.end]) if memo is not None and memoisable(one) else b""
        entry = memo.get(raw) if memo is not None and raw else None
        if entry is None:
            own, written = Trace(), list[bytes]()
            self._rewriting.element(place, one, _NO_BLOCKS, own, written.append)
            entry = own.entry(b"".join(written))
            if memo is not None and raw:
                memo.put(raw, entry)
        return entry


def _tag(one: Element) -> int:
    return one.tag
