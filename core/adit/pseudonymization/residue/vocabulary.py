"""Words that stand in images of anybody: no name of a patient, even where somebody is called so.

They count only in attributes that a device fills from a vocabulary, never in free text.
"""

from typing import Final

_TAGS: Final = frozenset(
    {
        0x00080104,  # CodeMeaning
        0x00181160,  # FilterType
        0x00181210,  # ConvolutionKernel
        0x00181250,  # ReceiveCoilName
        0x00181251,  # TransmitCoilName
        0x00201040,  # PositionReferenceIndicator
    }
)
_DEVICE_TAGS: Final = frozenset({0x00080070, 0x00081090})  # Manufacturer, ManufacturerModelName
# fmt: off
_WORDS: Final = frozenset({
    # Parts of the body (PS3.16 Annex L).
    "abdomen", "adrenal", "ankle", "aorta", "artery", "axilla", "back", "bladder", "body", "bone", "bowel",
    "brain", "breast", "bronchus", "buttock", "calf", "cardiac", "carotid", "cervical", "cheek", "chest",
    "clavicle", "coccyx", "colon", "cornea", "coronary", "cspine", "duodenum", "elbow", "esophagus",
    "extremity", "eyelid", "face", "femur", "finger", "foot", "forearm", "gallbladder", "hand", "head", "heart",
    "heel", "humerus", "ileum", "joint", "kidney", "knee", "larynx", "liver", "lspine", "lumbar", "lung",
    "mandible", "maxilla", "mouth", "neck", "nose", "orbit", "ovary", "pancreas", "parotid", "patella",
    "pelvis", "penis", "pharynx", "prostate", "radius", "rectum", "sacrum", "scapula", "scrotum", "shoulder",
    "sinus", "skull", "spine", "spleen", "sternum", "stomach", "testis", "thigh", "thorax", "thumb", "thymus",
    "thyroid", "tibia", "tongue", "tooth", "trachea", "trunk", "tspine", "ulna", "ureter", "urethra", "uterus",
    "vagina", "vein", "vulva", "whole", "wrist",
    # Kinds of images, directions, technique.
    "angio", "anterior", "arterial", "average", "axial", "axis", "bilateral", "both", "caudal", "color",
    "contrast", "coronal", "cranial", "cylindrical", "decubitus", "delay", "delayed", "derived", "detail", "dixon",
    "diffusion", "dynamic", "echo", "edge", "fast", "feet", "female", "first", "flash", "flat", "frontal",
    "gated", "gradient", "hard", "identity", "image", "imaginary", "inferior", "inversion", "landscape",
    "large", "lateral", "left", "localizer", "long", "lossless", "lossy", "magnitude", "male", "medial",
    "medium", "mixed", "molybdenum", "monochrome", "mosaic", "native", "norm", "normal", "oblique", "original", "other",
    "perfusion", "phase", "portrait", "positive", "posterior", "primary", "projection", "prone", "real",
    "recovery", "reformatted", "resampled", "rest", "reverse", "rhodium", "right", "rotation", "sagittal",
    "scan", "secondary", "segmented", "series", "sharp", "short", "small", "smooth", "soft", "spin", "stable",
    "standard", "static", "stress", "strip", "superior", "supine", "surface", "turbo", "unilateral", "venous",
    "volume", "water", "wedge",
})
# Who makes devices, and what they are called.
_DEVICE_WORDS: Final = frozenset({
    "accuray", "achieva", "acuson", "aera", "agfa", "aquilion", "artis", "aurora", "avanto", "axiom", "barco",
    "bayer", "biograph", "bracco", "brainlab", "brilliance", "bruker", "canon", "carestream", "carl",
    "definition", "discovery", "drive", "electric", "elekta", "emotion", "engineering", "esaote", "espree",
    "force", "fuji", "fujifilm", "general", "guerbet", "healthcare", "healthineers", "heidelberg", "hitachi",
    "hologic", "imaging", "ingenia", "ingenuity", "innova", "juniper", "karl", "kodak", "konica", "lightspeed",
    "logiq", "lumina", "luminos", "magnetom", "medical", "medison", "meditec", "medrad", "merge", "mindray",
    "minolta", "nidek", "olympus", "optima", "philips", "planmeca", "prisma", "revolution", "samsung", "sectra",
    "sensation", "sequoia", "shimadzu", "siemens", "signa", "sirona", "skyra", "sola", "somatom", "storz",
    "systems", "titan", "topcon", "toshiba", "trio", "ultrasound", "vantage", "varian", "vatech", "verio",
    "vida", "visage", "vivid", "voluson", "ysio", "zeiss", "ziehm",
})
# fmt: on


def is_term(text: str, start: int, stop: int, tag: int, vr: bytes) -> bool:
    """Whether these characters of a folded text are a whole word of the vocabulary, or a part of one."""
    if tag in _DEVICE_TAGS:
        words = _DEVICE_WORDS
    elif vr == b"CS" or tag in _TAGS:
        words = _WORDS
    else:
        return False
    while start > 0 and text[start - 1].isalpha():
        start -= 1
    while stop < len(text) and text[stop].isalpha():
        stop += 1
    return text[start:stop] in words


def is_device_tag(tag: int) -> bool:
    """Whether the attribute names a device or its maker."""
    return tag in _DEVICE_TAGS
