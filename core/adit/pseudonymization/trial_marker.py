"""The rewriting step of an identified transfer that names a trial: two attributes, and nothing else."""

from dataclasses import replace

from adit.encoded.elements import Malformed
from adit.encoded.encoding import Encoding
from adit.encoded.writing import element
from adit.pseudonymization.data_set import open_data_set
from adit.pseudonymization.derived import derived, remove_derived
from adit.pseudonymization.leaving import Leaving
from adit.pseudonymization.rewriting import copied
from adit.pseudonymization.texts import encoded
from adit.transfer.instance import Instance
from adit.transfer.outcomes import Quarantined, RewriteOutcome, Rewritten
from adit.transfer.rewriter import Subject

PROTOCOL_ID, PROTOCOL_NAME = 0x00120020, 0x00120021


class TrialMarker:
    """Rewrites nothing but the two trial attributes; every other byte of head and trailer stays as it is."""

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:
        """Name the trial in the head. Raises OSError where the spool fails."""
        leaving: Instance | None = None
        try:
            leaving = _marked(instance, subject)
            return Rewritten(instance.sop_instance_uid, leaving)
        except Malformed as error:
            return Quarantined(instance.sop_instance_uid, error.reason)
        finally:
            remove_derived(instance, leaving)

    def rewritten_uid(self, original_uid: str) -> str:
        """Itself."""
        return original_uid


def _marked(instance: Instance, subject: Subject) -> Instance:
    with open_data_set(instance) as data, Leaving(derived(instance, "rewritten")) as leaving:
        parts = data.parts
        marks = _marks(subject, data.top.codecs, parts.encoding)
        waiting = sorted(marks)
        for one in data.head.found:
            while waiting and waiting[0] <= one.tag:
                leaving.write(marks[waiting.pop(0)])
            if one.tag not in marks:
                copied(data.head.buffer, one.start, one.end, leaving.write)
        leaving.extend(marks[tag] for tag in waiting)
        pieces = leaving.pieces()
    if parts.pixel_header is not None and parts.pixel is not None:
        pieces = (*pieces, parts.pixel_header.read(), parts.pixel)
    if parts.trailer is not None:
        pieces = (*pieces, parts.trailer)
    return replace(instance, transfer_syntax_uid=data.transfer_syntax_uid, pieces=pieces)


def _marks(subject: Subject, codecs: tuple[str, ...], encoding: Encoding) -> dict[int, bytes]:
    marks = {}
    for tag, text in ((PROTOCOL_ID, subject.trial_id), (PROTOCOL_NAME, subject.trial_name)):
        if text:
            value = encoded(b"LO", text, codecs)
            if value is None:
                raise Malformed("TrialNotInCharacterSet")
            marks[tag] = element(tag, b"LO", value, encoding)
    return marks
