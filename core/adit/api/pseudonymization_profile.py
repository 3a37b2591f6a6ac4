"""PseudonymizationProfile: how data is de-identified, in the words of PS3.15 Annex E; never changed."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from adit.api.fields import (
    CODE_PATTERN,
    PRIVATE_ELEMENT_PATTERN,
    PRIVATE_GROUP_PATTERN,
    TAG_PATTERN,
    TEMPLATE_PATTERN,
    UID_ROOT_PATTERN,
    ResourceName,
    Text,
    Uid,
)
from adit.api.model import Model
from adit.api.references import SecretRef
from adit.api.rules import Rule, validations
from adit.api.trial import Trial

# What these names mean is part of the program: no object may take them.
BUILT_IN_NAMES = ("basic", "adit-compatible")
NOT_BUILT_IN = Rule(
    f"!(self.metadata.name in [{', '.join(repr(name) for name in BUILT_IN_NAMES)}])",
    f"{' and '.join(BUILT_IN_NAMES)} are the names of built-in profiles: choose another",
)

# The options of PS3.15 Annex E.3, by their names there.
Option = Literal[
    "RetainSafePrivate",
    "RetainUIDs",
    "RetainDeviceIdentity",
    "RetainInstitutionIdentity",
    "RetainPatientCharacteristics",
    "RetainLongitudinalFullDates",
    "RetainLongitudinalModifiedDates",
    "CleanDescriptors",
    "CleanStructuredContent",
    "CleanGraphics",
    "CleanPixelData",
]
OverrideAction = Literal["Keep", "Remove", "Empty", "Dummy", "Set", "MapUid", "ShiftDate", "Clean"]
GateAction = Literal["Drop", "Quarantine", "Pass"]
# YAML 1.1 reads Yes and No as booleans, so the words are others.
BurnedIn = Literal["Present", "Absent", "Unknown"]
PrivatePolicy = Literal["Remove", "SafeList", "Keep"]
PseudonymSource = Literal["Given", "Derived", "Random"]


def _not_built_in(name: str) -> str:
    if name in BUILT_IN_NAMES:
        raise ValueError(NOT_BUILT_IN.message)
    return name


ProfileName = Annotated[ResourceName, AfterValidator(_not_built_in)]
Tag = Annotated[str, StringConstraints(pattern=TAG_PATTERN, max_length=8)]
Code = Annotated[str, StringConstraints(pattern=CODE_PATTERN, max_length=16)]
PrivateGroup = Annotated[str, StringConstraints(pattern=PRIVATE_GROUP_PATTERN, max_length=4)]
PrivateElement = Annotated[str, StringConstraints(pattern=PRIVATE_ELEMENT_PATTERN, max_length=2)]
# What is left of 64 characters behind it must hold enough of a hash to tell UIDs apart.
UidRoot = Annotated[str, StringConstraints(pattern=UID_ROOT_PATTERN, max_length=32)]
Template = Annotated[str, StringConstraints(pattern=TEMPLATE_PATTERN, max_length=256)]
Pixel = Annotated[int, Field(ge=0, le=65_535)]
Pixels = Annotated[int, Field(ge=1, le=65_535)]
Days = Annotated[int, Field(ge=1, le=36_500)]

# ADIT's line, by which XNAT sorts what arrives.
XNAT_COMMENT = "Project:{trial} Subject:{pseudonym} Session:{pseudonym}_{studyDate}-{studyTime}"

ONE_KIND_OF_DATES = Rule(
    "!has(self.options) || !('RetainLongitudinalFullDates' in self.options"
    " && 'RetainLongitudinalModifiedDates' in self.options)",
    "dates are kept in full or modified: give one of the two RetainLongitudinal options",
)
SAFE_LIST_IS_AN_OPTION = Rule(
    "(has(self.options) && 'RetainSafePrivate' in self.options)"
    " == (has(self.privateAttributes) && has(self.privateAttributes.policy)"
    " && self.privateAttributes.policy == 'SafeList')",
    "the option RetainSafePrivate goes with privateAttributes.policy SafeList",
)
PIXELS_NEED_REGIONS = Rule(
    "(has(self.options) && 'CleanPixelData' in self.options)"
    " == (has(self.pixelRegions) && self.pixelRegions.size() > 0)",
    "the option CleanPixelData goes with pixelRegions",
)
VALUE_WITH_SET = Rule("(self.action == 'Set') == has(self.value)", "value must be given exactly when action is Set")
# Identity, character set, and what says that an instance is de-identified: the program alone writes these.
DECIDED_BY_US = (
    "00080005",  # SpecificCharacterSet
    "00080016",  # SOPClassUID
    "00080018",  # SOPInstanceUID
    "00100010",  # PatientName
    "00100020",  # PatientID
    "00120062",  # PatientIdentityRemoved
    "00120063",  # DeidentificationMethod
    "00120064",  # DeidentificationMethodCodeSequence
    "0020000D",  # StudyInstanceUID
    "0020000E",  # SeriesInstanceUID
    "00280303",  # LongitudinalTemporalInformationModified
)
NOT_DECIDED_BY_US = Rule(
    f"!(self.tag in [{', '.join(map(repr, DECIDED_BY_US))}])",
    "this attribute is written by the program; options such as RetainUIDs decide about it",
)
SAFE_WITH_SAFE_LIST = Rule(
    "!has(self.safe) || self.safe.size() == 0 || (has(self.policy) && self.policy == 'SafeList')",
    "safe goes with policy SafeList",
)
LATER_THAN_EARLIEST = Rule("self.minDays <= self.maxDays", "minDays may not be greater than maxDays")
A_WHOLE_WEEK = Rule(
    "!has(self.wholeWeeks) || !self.wholeWeeks || self.maxDays - self.maxDays % 7 >= self.minDays",
    "no whole week lies between minDays and maxDays",
)
SOME_CONDITION = Rule(
    "(has(self.modalities) && self.modalities.size() > 0) || (has(self.sopClassUids) && self.sopClassUids.size() > 0)"
    " || (has(self.burnedInAnnotation) && self.burnedInAnnotation.size() > 0)"
    " || (has(self.imageTypes) && self.imageTypes.size() > 0)",
    "give at least one condition",
)


NO_ROOT_OF_THE_STANDARD = Rule(
    "!has(self.uidRoot) || (self.uidRoot != '1.2.840.10008' && !self.uidRoot.startsWith('1.2.840.10008.'))",
    "uidRoot may not be DICOM's own: what begins with 1.2.840.10008 is never replaced again",
)


class Override(Model):
    """What is done to one attribute, whatever profile and options say."""

    model_config = ConfigDict(json_schema_extra=validations(VALUE_WITH_SET, NOT_DECIDED_BY_US))

    tag: Tag
    """Group and element as eight hexadecimal digits, such as 00081030; wherever it stands, in sequences too."""
    action: OverrideAction
    """What is done to its value."""
    value: Text | None = None
    """What it is set to, with Set."""

    @model_validator(mode="after")
    def _value_with_set(self) -> "Override":
        if (self.action == "Set") != (self.value is not None):
            raise ValueError(VALUE_WITH_SET.message)
        if self.tag in DECIDED_BY_US:
            raise ValueError(NOT_DECIDED_BY_US.message)
        return self


class SafePrivate(Model):
    """A private element that is known to name nobody."""

    creator: Text
    """Its private creator."""
    group: PrivateGroup
    """Its group, four hexadecimal digits."""
    element: PrivateElement
    """The last two hexadecimal digits of its element."""


class PrivateAttributes(Model):
    """What becomes of private elements."""

    model_config = ConfigDict(json_schema_extra=validations(SAFE_WITH_SAFE_LIST))

    policy: PrivatePolicy = "Remove"
    """Remove: all go; SafeList: those known to be safe stay; Keep: all stay, which needs the verb keep-private."""
    safe: Annotated[tuple[SafePrivate, ...], Field(max_length=500)] = ()
    """More safe elements beside the built-in ones."""

    @model_validator(mode="after")
    def _safe_with_safe_list(self) -> "PrivateAttributes":
        if self.safe and self.policy != "SafeList":
            raise ValueError(SAFE_WITH_SAFE_LIST.message)
        return self


class Gate(Model):
    """Which instances may not pass; all conditions that are given must hold, any of their values will do."""

    model_config = ConfigDict(json_schema_extra=validations(SOME_CONDITION))

    action: GateAction
    """Drop: excluded by this rule; Quarantine: held back with a warning; Pass: goes on."""
    modalities: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    """Modality (0008,0060)."""
    sop_class_uids: Annotated[tuple[Uid, ...], Field(max_length=50)] = ()
    """SOPClassUID (0008,0016)."""
    burned_in_annotation: Annotated[tuple[BurnedIn, ...], Field(max_length=3)] = ()
    """BurnedInAnnotation (0028,0301): YES, NO, or neither of the two."""
    image_types: Annotated[tuple[Code, ...], Field(max_length=50)] = ()
    """Any value of ImageType (0008,0008)."""

    @model_validator(mode="after")
    def _some_condition(self) -> "Gate":
        if not (self.modalities or self.sop_class_uids or self.burned_in_annotation or self.image_types):
            raise ValueError(SOME_CONDITION.message)
        return self


class DateShift(Model):
    """By how many days a patient's dates move back; each patient's own number, the same for all of their dates."""

    model_config = ConfigDict(json_schema_extra=validations(LATER_THAN_EARLIEST, A_WHOLE_WEEK))

    min_days: Days = 31
    """At least."""
    max_days: Days = 1826
    """At most."""
    whole_weeks: bool = False
    """Whether the day of the week stays."""

    @model_validator(mode="after")
    def _later_than_earliest(self) -> "DateShift":
        if self.min_days > self.max_days:
            raise ValueError(LATER_THAN_EARLIEST.message)
        if self.whole_weeks and self.max_days // 7 * 7 < self.min_days:
            raise ValueError(A_WHOLE_WEEK.message)
        return self


class Rectangle(Model):
    """A part of the image, in pixels from its upper left corner."""

    # not x and y: kubectl and helm read a key `y` as true
    left: Pixel
    """To the right."""
    top: Pixel
    """Down."""
    width: Pixels
    """How wide."""
    height: Pixels
    """How high."""


class PixelRegions(Model):
    """Where a device writes into its images; those that match are blanked there, and pass."""

    manufacturer: Text
    """Manufacturer (0008,0070), compared without regard to case."""
    model: Text | None = None
    """ManufacturerModelName (0008,1090); any where absent."""
    modality: Code | None = None
    """Modality (0008,0060); any where absent."""
    rows: Pixels
    """Rows (0028,0010) of the images that the regions are for."""
    columns: Pixels
    """Columns (0028,0011)."""
    regions: Annotated[tuple[Rectangle, ...], Field(min_length=1, max_length=50)]
    """What is blanked, in every frame."""


class PseudonymizationProfileSpec(Model):
    """Basic Application Level Confidentiality, and what differs from it; all of it immutable."""

    model_config = ConfigDict(
        json_schema_extra=validations(
            ONE_KIND_OF_DATES, SAFE_LIST_IS_AN_OPTION, PIXELS_NEED_REGIONS, NO_ROOT_OF_THE_STANDARD
        )
    )

    options: Annotated[tuple[Option, ...], Field(max_length=11)] = ()
    """The options of PS3.15 Annex E.3 that are applied on top of the Basic profile."""
    overrides: Annotated[tuple[Override, ...], Field(max_length=500)] = ()
    """Attributes that are treated otherwise; of two for one tag the last counts."""
    private_attributes: PrivateAttributes = PrivateAttributes()
    """What becomes of private elements."""
    gates: Annotated[tuple[Gate, ...], Field(max_length=50)] = ()
    """Asked in their order before the built-in ones; the first that matches decides."""
    date_shift: DateShift = DateShift()
    """By how much dates move where they are shifted."""
    uid_root: UidRoot = "2.25"
    """What new UIDs begin with."""
    pseudonym_source: PseudonymSource = "Given"
    """Given: each task brings its own; Derived: from key and patient; Random: as Derived, but other in each job."""
    trial: Trial | None = None
    """The trial that data is marked with where the job names none."""
    patient_comments: Template = XNAT_COMMENT
    """PatientComments where a trial has an id: {trial}, {pseudonym}, {studyDate}, {studyTime} stand for new values."""
    pixel_regions: Annotated[tuple[PixelRegions, ...], Field(max_length=100)] = ()
    """Burned-in text by device, with CleanPixelData."""
    key_secret_ref: SecretRef | None = None
    """The project key, 32 bytes in a Secret of the profile's namespace; the namespace's own key where absent."""
    mapping_table: bool = False
    """Whether the operator keeps a table of original and pseudonym, for who has the verb read-mapping."""

    @property
    def needs_keep_private(self) -> bool:
        """Whether private elements stay that no list says to be safe: only who has the verb keep-private may ask so."""
        tags = (one.tag for one in self.overrides if one.action in {"Keep", "Clean"})
        return self.private_attributes.policy == "Keep" or any(int(tag[:4], 16) % 2 for tag in tags)

    @model_validator(mode="after")
    def _options_fit(self) -> "PseudonymizationProfileSpec":
        chosen = set(self.options)
        if {"RetainLongitudinalFullDates", "RetainLongitudinalModifiedDates"} <= chosen:
            raise ValueError(ONE_KIND_OF_DATES.message)
        if ("RetainSafePrivate" in chosen) != (self.private_attributes.policy == "SafeList"):
            raise ValueError(SAFE_LIST_IS_AN_OPTION.message)
        if ("CleanPixelData" in chosen) != bool(self.pixel_regions):
            raise ValueError(PIXELS_NEED_REGIONS.message)
        if f"{self.uid_root}.".startswith("1.2.840.10008."):
            raise ValueError(NO_ROOT_OF_THE_STANDARD.message)
        return self
