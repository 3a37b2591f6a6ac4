"""The rewriting step of a transfer that pseudonymizes: gate, rules, marks, and the last look at what will leave."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from adit.encoded.elements import Malformed
from adit.encoded.writing import element
from adit.pseudonymization.actions import Action
from adit.pseudonymization.context import PATIENT_ID, PATIENT_NAME, Context, Contexts
from adit.pseudonymization.data_set import DataSet, Part, TopLevel, open_data_set
from adit.pseudonymization.derived import derived, remove_derived
from adit.pseudonymization.gate import Cleans, Drops, Gatekeeper, Holds, Verdict, facts_of
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.leaving import Leaving
from adit.pseudonymization.marks import NEVER_KEPT, Marker
from adit.pseudonymization.part_rewriting import PartRewriting
from adit.pseudonymization.pixels.blanking import blanked
from adit.pseudonymization.profile import Profile
from adit.pseudonymization.reasons import quarantined
from adit.pseudonymization.rewriting import Place, Rewriting
from adit.pseudonymization.ruleset import Ruleset
from adit.pseudonymization.trace import Deed, Trace
from adit.transfer.instance import Instance, Piece
from adit.transfer.outcomes import Excluded, Quarantined, RewriteOutcome, Rewritten
from adit.transfer.rewriter import Subject
from adit.transfer.split import PIXEL_TAGS

SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018

# Told of each instance that leaves: tag by tag what was done to it.
Report = Callable[[Iterable[Deed]], None]


class Pseudonymizer:
    """Rewrites head and trailer by one profile and key; whatever cannot be made safe is quarantined, never sent.

    One object serves one thread. `memoise` remembers elements that recur within a patient's study; without it the same
    bytes come out, slower.
    """

    def __init__(
        self,
        profile: Profile,
        key: ProjectKey,
        exclude_modalities: frozenset[str] = frozenset(),
        *,
        memoise: bool = True,
        report: Report | None = None,
    ) -> None:
        spec = profile.spec
        self._ruleset = ruleset = Ruleset(spec)
        self._keyring = Keyring(key, uid_root=spec.uid_root, date_shift=spec.date_shift)
        self._gate = Gatekeeper(spec, exclude_modalities)
        self._marker = Marker(profile, ruleset.codes, ruleset.longitudinal)
        rewriting = Rewriting(ruleset, NEVER_KEPT, (int(one.tag, 16) for one in spec.overrides))
        self._parts = PartRewriting(ruleset, rewriting)
        self._contexts = Contexts(self._keyring, rewriting, memoise=memoise)
        self._report = report
        # The marks' own words, which a patient's name may be one of.
        self._own_words = frozenset({f"ADIT {profile.name}", *(meaning for _, meaning in ruleset.codes)})

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:
        """Give the instance its new identity, or say why it stays here. Raises OSError where the spool fails."""
        return self.rewrite_as(instance, lambda _: subject)

    def rewrite_as(self, instance: Instance, who: Callable[[TopLevel], Subject]) -> RewriteOutcome:
        """The same where the data set says who it is; an instance without a UID is what its data set says."""
        uid = instance.sop_instance_uid
        leaving: Instance | None = None
        try:
            with open_data_set(instance) as data:
                outcome = self._judged(instance, who(data.top), data)
            if isinstance(outcome, Rewritten):
                leaving = outcome.instance
        except Malformed as error:
            outcome = quarantined(uid, error.reason)
        except MemoryError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the machine failed, which passes
            # Fail closed: whatever a malformed data set breaks, it does not leave.
            outcome = quarantined(uid, "RewriteFailed")
        finally:
            remove_derived(instance, leaving)
        return outcome

    def rewritten_uid(self, original_uid: str) -> str:
        """The UID that a study, series or instance becomes: the same in every process and run of one key."""
        if self._ruleset.rule(SOP_INSTANCE_UID, b"UI").action is Action.KEEP:
            return original_uid
        return self._keyring.uid(original_uid)

    def _judged(self, instance: Instance, subject: Subject, data: DataSet) -> RewriteOutcome:
        uid, parts = instance.sop_instance_uid, data.parts
        if not subject.pseudonym:
            return quarantined(uid, "PseudonymMissing")
        if any(one.tag in PIXEL_TAGS for one in data.trailer.found):
            # It would leave as it is, which only one value may; PS3.3 C.7.6.3 knows no data set with two.
            raise Malformed("PixelDataTwice")
        facts = facts_of(data.top.text, data.transfer_syntax_uid)
        verdict = self._gate.verdict(facts, has_pixels=parts.pixel is not None)
        if isinstance(verdict, Drops):
            return Excluded(uid, verdict.reason)
        if isinstance(verdict, Holds):
            return quarantined(uid, verdict.reason)
        return self._rewritten(instance, subject, data, verdict)

    def _rewritten(self, instance: Instance, subject: Subject, data: DataSet, verdict: Verdict) -> RewriteOutcome:
        """Rewrite, look at the result once more, and let it leave."""
        encoding, trace = data.parts.encoding, Trace()
        context = self._contexts.of(data.head, data.top, encoding)
        place = Place(data.head.buffer, encoding, context.hand)
        pixels, syntax, changes = _pixels(instance, data, verdict)
        fixed = self._identity(subject, data.head, place, pixels_cleaned=isinstance(verdict, Cleans)) | dict(changes)
        with Leaving(derived(instance, "rewritten")) as leaving:
            self._parts.write(data.head, place, context, fixed=fixed, trace=trace, leaving=leaving)
            head = leaving.pieces()
        trailer = self._trailer(instance, data, context, trace)
        residue = context.search(trace.identifiers).find(
            (*head, *trailer),
            encoding=encoding,
            uids=trace.uids - trace.kept_uids,
            generated=trace.generated | self._own_words,
            left_dates=frozenset(trace.dates),
        )
        if residue is not None:
            message = f"an identifier of the original is left in {residue.attribute}"
            return Quarantined(instance.sop_instance_uid, residue.reason, message)
        if self._report is not None:
            self._report(trace.deeds)
        leaves = replace(
            instance,
            sop_class_uid=data.top.text(SOP_CLASS_UID),
            sop_instance_uid=self.rewritten_uid(data.top.text(SOP_INSTANCE_UID)),
            transfer_syntax_uid=syntax,
            pieces=(*head, *pixels, *trailer),
        )
        return Rewritten(instance.sop_instance_uid, leaves)

    def _identity(self, subject: Subject, head: Part, place: Place, *, pixels_cleaned: bool) -> dict[int, bytes]:
        """Whom the instance becomes, and what says that it is de-identified, as encoded elements by tag."""
        marks = self._marker.encoded(
            subject,
            lambda tag: self._parts.text_of(head, place, tag),
            place.encoding,
            pixels_cleaned=pixels_cleaned,
        )
        pseudonym = str(subject.pseudonym).encode("ascii")
        marks[PATIENT_NAME] = element(PATIENT_NAME, b"PN", pseudonym, place.encoding)
        marks[PATIENT_ID] = element(PATIENT_ID, b"LO", pseudonym, place.encoding)
        return marks

    def _trailer(self, instance: Instance, data: DataSet, context: Context, trace: Trace) -> tuple[Piece, ...]:
        if not data.trailer.found:
            return ()
        place = Place(data.trailer.buffer, data.parts.encoding, context.hand)
        with Leaving(derived(instance, "rewritten")) as leaving:
            self._parts.write(data.trailer, place, context, fixed={}, trace=trace, leaving=leaving)
            return leaving.pieces()


def _pixels(instance: Instance, data: DataSet, verdict: Verdict) -> tuple[tuple[Piece, ...], str, Mapping[int, bytes]]:
    """The pixel element as it leaves, its transfer syntax, and what the head then says of the pixels."""
    parts, syntax = data.parts, data.transfer_syntax_uid
    if isinstance(verdict, Cleans):
        result = blanked(parts, syntax, data.top.text, verdict.regions, derived(instance, "blanked"))
        changes = {
            tag: b"" if change is None else element(tag, *change, parts.encoding)
            for tag, change in result.changes.items()
        }
        return (result.pixel_header, result.pixel), result.transfer_syntax_uid, changes
    if parts.pixel_header is None or parts.pixel is None:
        return (), syntax, {}
    return (parts.pixel_header.read(), parts.pixel), syntax, {}
