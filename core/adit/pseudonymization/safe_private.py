"""Private elements that are known to name nobody: numbers and enumerations only, each with where that is written.

Headers that are kept as one value (such as the CSA headers of Siemens) hold names, and are never in this list.
"""

from typing import Final, NamedTuple

_STANDARD = "PS3.15 Table E.3.10-1"
_SIEMENS = "Siemens syngo MR DICOM conformance statement"
_GE_MR = "GE Signa MR DICOM conformance statement"


class SafeElement(NamedTuple):
    """One private element; `element` is the last two hexadecimal digits, inside the block of its creator."""

    creator: str
    group: int
    element: int
    vr: str
    meaning: str
    source: str


SAFE: Final[tuple[SafeElement, ...]] = (
    SafeElement("Philips PET Private Group", 0x7053, 0x00, "DS", "SUV factor", _STANDARD),
    SafeElement("Philips PET Private Group", 0x7053, 0x09, "DS", "activity concentration factor", _STANDARD),
    SafeElement("Philips MR Imaging DD 001", 0x2005, 0x0D, "FL", "scale intercept", _STANDARD),
    SafeElement("Philips MR Imaging DD 001", 0x2005, 0x0E, "FL", "scale slope", _STANDARD),
    SafeElement("Philips Imaging DD 001", 0x2001, 0x03, "FL", "diffusion b-factor", _STANDARD),
    SafeElement("Philips Imaging DD 001", 0x2001, 0x04, "CS", "diffusion direction", _STANDARD),
    SafeElement("SIEMENS MR HEADER", 0x0019, 0x0A, "US", "number of images in mosaic", _SIEMENS),
    SafeElement("SIEMENS MR HEADER", 0x0019, 0x0C, "IS", "b-value", _STANDARD),
    SafeElement("SIEMENS MR HEADER", 0x0019, 0x0D, "CS", "diffusion directionality", _STANDARD),
    SafeElement("SIEMENS MR HEADER", 0x0019, 0x0E, "FD", "diffusion gradient direction", _STANDARD),
    SafeElement("SIEMENS MR HEADER", 0x0019, 0x27, "FD", "b-matrix", _STANDARD),
    SafeElement("SIEMENS MR HEADER", 0x0019, 0x28, "FD", "bandwidth per pixel, phase encoding", _SIEMENS),
    SafeElement("GEMS_ACQU_01", 0x0019, 0x23, "DS", "table speed", _STANDARD),
    SafeElement("GEMS_ACQU_01", 0x0019, 0x24, "DS", "mid scan time", _STANDARD),
    SafeElement("GEMS_ACQU_01", 0x0019, 0x27, "DS", "rotation speed", _STANDARD),
    SafeElement("GEMS_ACQU_01", 0x0019, 0x9E, "LO", "internal name of the pulse sequence", _STANDARD),
    SafeElement("GEMS_ACQU_01", 0x0019, 0xBB, "DS", "diffusion direction, first component", _GE_MR),
    SafeElement("GEMS_ACQU_01", 0x0019, 0xBC, "DS", "diffusion direction, second component", _GE_MR),
    SafeElement("GEMS_ACQU_01", 0x0019, 0xBD, "DS", "diffusion direction, third component", _GE_MR),
    SafeElement("GEMS_SERS_01", 0x0025, 0x07, "SL", "images in series", _STANDARD),
    SafeElement("GEMS_PARM_01", 0x0043, 0x27, "SH", "scan pitch ratio", _STANDARD),
    SafeElement("GEMS_PARM_01", 0x0043, 0x39, "IS", "b-value, first of four", _STANDARD),
    SafeElement("GEMS_PARM_01", 0x0043, 0x6F, "DS", "scanner table entry", _STANDARD),
    SafeElement("GEMS_HELIOS_01", 0x0045, 0x01, "SS", "number of macro rows in detector", _STANDARD),
    SafeElement("GEMS_HELIOS_01", 0x0045, 0x02, "FL", "macro width at isocentre", _STANDARD),
    SafeElement("ELSCINT1", 0x00E1, 0x21, "DS", "dose length product", _STANDARD),
    SafeElement("ELSCINT1", 0x01E1, 0x26, "CS", "phantom type", _STANDARD),
    SafeElement("ELSCINT1", 0x01E1, 0x50, "DS", "acquisition duration", _STANDARD),
    SafeElement("ELSCINT1", 0x01F1, 0x01, "CS", "acquisition type", _STANDARD),
    SafeElement("ELSCINT1", 0x01F1, 0x07, "DS", "table velocity", _STANDARD),
    SafeElement("ELSCINT1", 0x01F1, 0x26, "FD", "pitch", _STANDARD),
    SafeElement("ELSCINT1", 0x01F1, 0x27, "DS", "rotation time", _STANDARD),
)
