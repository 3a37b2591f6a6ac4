"""What the gate holds back of itself: kinds of objects whose content nobody can clean, or that may show a name."""

import re

# Modalities (PS3.3 C.7.3.1.1.1) whose devices write into their images, or whose images are taken from paper.
SUSPECT_MODALITIES = frozenset({"US", "IVUS", "XC", "ES", "OT", "DOC", "SC"})

SUSPECT_SOP_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.1",  # Multi-frame Single Bit Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.2",  # Multi-frame Grayscale Byte Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.3",  # Multi-frame Grayscale Word Secondary Capture
        "1.2.840.10008.5.1.4.1.1.7.4",  # Multi-frame True Color Secondary Capture
        # Those of the modalities above, where the object does not name its modality rightly.
        "1.2.840.10008.5.1.4.1.1.3",  # Ultrasound Multi-frame (retired)
        "1.2.840.10008.5.1.4.1.1.3.1",  # Ultrasound Multi-frame
        "1.2.840.10008.5.1.4.1.1.6",  # Ultrasound (retired)
        "1.2.840.10008.5.1.4.1.1.6.1",  # Ultrasound
        "1.2.840.10008.5.1.4.1.1.77.1",  # VL - Trial (retired)
        "1.2.840.10008.5.1.4.1.1.77.2",  # VL Multi-frame - Trial (retired)
        "1.2.840.10008.5.1.4.1.1.77.1.1",  # VL Endoscopic
        "1.2.840.10008.5.1.4.1.1.77.1.4",  # VL Photographic
    }
)

ENCAPSULATED_DOCUMENTS = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
        "1.2.840.10008.5.1.4.1.1.104.2",  # Encapsulated CDA
        "1.2.840.10008.5.1.4.1.1.104.3",  # Encapsulated STL
        "1.2.840.10008.5.1.4.1.1.104.4",  # Encapsulated OBJ
        "1.2.840.10008.5.1.4.1.1.104.5",  # Encapsulated MTL
    }
)

VIDEO_SOP_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.77.1.1.1",  # Video Endoscopic
        "1.2.840.10008.5.1.4.1.1.77.1.2.1",  # Video Microscopic
        "1.2.840.10008.5.1.4.1.1.77.1.4.1",  # Video Photographic
        "1.2.840.10008.10.1",  # Video Endoscopic Real-Time Communication
        "1.2.840.10008.10.2",  # Video Photographic Real-Time Communication
    }
)

# MPEG-2, MPEG-4 and HEVC (…4.100 to …4.108, and their fragmentable forms), SMPTE ST 2110 (…7.1 to …7.3).
_VIDEO_SYNTAX = re.compile(r"1\.2\.840\.10008\.1\.2\.(4\.10[0-8](\.1)?|7\.[1-3])")
# The values are the vendors' own: SCREEN SAVE, SCREENSAVE, SCREEN_CAPTURE, SCREENSHOT.
_SCREEN = re.compile(r"SCREEN[ _-]?(SAVE|SHOT|CAP|GRAB|DUMP|COPY)")


def is_video_syntax(transfer_syntax_uid: str) -> bool:
    """Whether the pixel value is a stream of video or sound."""
    return _VIDEO_SYNTAX.fullmatch(transfer_syntax_uid.strip(" \0")) is not None


def shows_a_screen(image_type: str) -> bool:
    """Whether a value of ImageType, in capital letters, says that a screen was saved, with whatever stood on it."""
    return _SCREEN.search(image_type) is not None
