"""Why an instance is held back, in a sentence that says what can be done; it holds no value of the instance."""

from typing import Final

from adit.transfer.outcomes import Quarantined

_SENTENCES: Final = {
    "PseudonymMissing": "nobody says under which pseudonym this patient leaves",
    "SopInstanceUidMismatch": "its data set has no SOP Instance UID, or another than it came under",
    "SopClassUnknown": "its SOP class is missing, or several are given",
    "BurnedInAnnotation": "it says of itself that text is burned into the image",
    "MayHoldBurnedInText": "its pixels may show who the patient is; a gate of the profile may let such images pass",
    "EncapsulatedDocument": "a document cannot be de-identified: nobody reads what is in it",
    "Video": "a video cannot be de-identified: nobody looks at its frames",
    "HeldByProfile": "a gate of the profile holds it",
    "CharacterSetUnknown": "its character set is none that DICOM knows, so that its texts cannot be read",
    "PixelDataTwice": "it holds two pixel values, of which one would leave unseen",
    "PixelDataTruncated": "its pixel value ends early",
    "NestedTooDeep": "its sequences lie too deep in each other",
    "TooManyElements": "it has more elements than any object has",
    "ElementTwice": "an attribute stands in it twice, and nobody knows which counts",
    "PixelLayoutUnknown": "its rows and columns cannot be read, so that nobody knows where text is burned in",
    "NotADataSet": "it is no DICOM data set from some place on",
    "SyntaxNotBlanked": "text can be blanked in native and baseline JPEG images only",
}


def quarantined(original_uid: str, reason: str) -> Quarantined:
    """The outcome, with its sentence where there is one."""
    sentence = _SENTENCES.get(reason)
    return Quarantined(original_uid, reason) if sentence is None else Quarantined(original_uid, reason, sentence)
