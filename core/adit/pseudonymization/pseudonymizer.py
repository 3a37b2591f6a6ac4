"""The rewriting step of transfers that pseudonymize, and of identified ones that name a trial; both fail closed."""

import warnings
from collections.abc import Callable

from pydicom import Dataset
from pydicom.config import disable_value_validation
from pydicom.dataset import FileMetaDataset

from adit.errors import BadInput
from adit.pseudonymization.adit_compatible import anonymizer_for, become, mark_trial
from adit.pseudonymization.header import decode, encode, remove_inflated
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import ADIT_COMPATIBLE, BUILT_IN, Profile
from adit.transfer.instance import Instance
from adit.transfer.outcomes import Excluded, Quarantined, RewriteOutcome, Rewritten
from adit.transfer.rewriter import Subject
from adit.transfer.split import Unsplittable


class Pseudonymizer:
    """Rewrites head and trailer under one profile and key; whatever cannot be rewritten is quarantined, never sent."""

    def __init__(self, profile: Profile, key: ProjectKey, exclude_modalities: frozenset[str]) -> None:
        if profile != BUILT_IN[ADIT_COMPATIBLE]:
            raise BadInput(f"the profile {profile.name} is not one that this version knows", reason="ProfileUnknown")
        self._anonymizer = anonymizer_for(key)
        self._exclude_modalities = exclude_modalities

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:
        """Give the instance its new identity, or say why it stays here. Raises OSError where the spool fails."""
        if not subject.pseudonym:
            return Quarantined(instance.sop_instance_uid, "PseudonymMissing")
        return _rewritten(instance, lambda elements: self._become(elements, subject), self._excluded)

    def rewritten_uid(self, original_uid: str) -> str:
        """The UID that dicognito gives to an original under this key."""
        elements = Dataset()
        elements.file_meta = FileMetaDataset()
        elements.SOPInstanceUID = original_uid
        self._anonymizer.anonymize(elements)
        return str(elements.SOPInstanceUID)

    def _excluded(self, elements: Dataset) -> str | None:
        modality = str(elements.get("Modality", "") or "").strip().upper()
        return "ModalityExcluded" if modality in self._exclude_modalities else None

    def _become(self, elements: Dataset, subject: Subject) -> None:
        elements.file_meta = FileMetaDataset()  # dicognito walks it; ours is made anew by whoever writes a file
        self._anonymizer.anonymize(elements)
        become(elements, subject)


class TrialMarker:
    """Rewrites nothing but the two trial attributes of an identified transfer; every other value stays as it is."""

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:
        """Name the trial in the head."""
        return _rewritten(instance, lambda elements: mark_trial(elements, subject), lambda _: None)

    def rewritten_uid(self, original_uid: str) -> str:
        """Itself."""
        return original_uid


def _rewritten(
    instance: Instance, change: Callable[[Dataset], None], excluded: Callable[[Dataset], str | None]
) -> RewriteOutcome:
    leaving: Instance | None = None
    try:
        outcome = _attempted(instance, change, excluded)
        if isinstance(outcome, Rewritten):
            leaving = outcome.instance
        return outcome
    finally:
        remove_inflated(instance, leaving)


def _attempted(
    instance: Instance, change: Callable[[Dataset], None], excluded: Callable[[Dataset], str | None]
) -> RewriteOutcome:
    uid = instance.sop_instance_uid
    try:
        with warnings.catch_warnings(), disable_value_validation():
            # pydicom's warnings quote values, which are not for logs; a text that its charset cannot hold is an error.
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message="Failed to encode")
            header = decode(instance)
            if str(header.elements.get("SOPInstanceUID", "")) != uid:
                return Quarantined(uid, "SopInstanceUidMismatch")
            if reason := excluded(header.elements):
                return Excluded(uid, reason)
            change(header.elements)
            return Rewritten(uid, encode(header, instance))
    except Unsplittable as error:
        return Quarantined(uid, error.reason)
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the machine failed, which passes; pydicom's own, about a malformed data set, have no number
        # Fail closed: whatever a malformed data set breaks, it does not leave.
        return Quarantined(uid, "RewriteFailed")
