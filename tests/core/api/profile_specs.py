"""Specs of PseudonymizationProfile for the tests of rules: two that differ in every field, and some that break each."""

from typing import Any

from adit.api.model import Model
from adit.api.pseudonymization_profile import (
    DateShift,
    Gate,
    Override,
    PrivateAttributes,
    PseudonymizationProfileSpec,
)

Value = dict[str, Any]
_RECTANGLE = {"left": 0, "top": 0, "width": 10, "height": 10}
_REGIONS = {"manufacturer": "ACME", "rows": 480, "columns": 640, "regions": [_RECTANGLE]}
_SAFE = {"creator": "ACME", "group": "0019", "element": "0C"}

PROFILE: Value = {
    "options": ["CleanPixelData", "RetainSafePrivate"],
    "overrides": [{"tag": "00081030", "action": "Set", "value": "CT"}],
    "privateAttributes": {"policy": "SafeList", "safe": [_SAFE]},
    "gates": [{"action": "Drop", "modalities": ["US"]}],
    "dateShift": {"minDays": 10, "maxDays": 20},
    "uidRoot": "1.2.3",
    "pseudonymSource": "Derived",
    "trial": {"id": "T"},
    "patientComments": "Subject:{pseudonym}",
    "pixelRegions": [_REGIONS],
    "keySecretRef": {"name": "brain-key", "key": "key"},
    "mappingTable": True,
}
OTHER_PROFILE: Value = {
    "options": ["CleanPixelData", "RetainSafePrivate", "CleanGraphics"],
    "overrides": [{"tag": "00081030", "action": "Keep"}],
    "privateAttributes": {"policy": "SafeList"},
    "gates": [{"action": "Pass", "modalities": ["US"]}],
    "dateShift": {"minDays": 10, "maxDays": 20, "wholeWeeks": True},
    "uidRoot": "1.2.4",
    "pseudonymSource": "Random",
    "trial": {"id": "T", "name": "Brain"},
    "patientComments": "{trial}",
    "pixelRegions": [{**_REGIONS, "model": "X"}],
    "keySecretRef": {"name": "brain-key", "key": "other"},
    "mappingTable": False,
}
PROFILE_VALUES: list[tuple[type[Model], Value]] = [
    (PseudonymizationProfileSpec, {}),
    (PseudonymizationProfileSpec, PROFILE),
    (PseudonymizationProfileSpec, {"options": ["RetainLongitudinalFullDates"]}),
    (PseudonymizationProfileSpec, {"options": ["RetainLongitudinalFullDates", "RetainLongitudinalModifiedDates"]}),
    (PseudonymizationProfileSpec, {"options": ["RetainSafePrivate"]}),
    (PseudonymizationProfileSpec, {"privateAttributes": {"policy": "SafeList"}}),
    (PseudonymizationProfileSpec, {"privateAttributes": {"policy": "Keep"}}),
    (PseudonymizationProfileSpec, {"options": ["CleanPixelData"]}),
    (PseudonymizationProfileSpec, {"pixelRegions": [_REGIONS]}),
    (PseudonymizationProfileSpec, {"uidRoot": "1.2.840.10008"}),
    (PseudonymizationProfileSpec, {"uidRoot": "1.2.840.10008.7"}),
    (PseudonymizationProfileSpec, {"uidRoot": "1.2.840.100081"}),
    (Override, {"tag": "00100010", "action": "Keep"}),
    (Override, {"tag": "00100010", "action": "Set"}),
    (Override, {"tag": "00100010", "action": "Keep", "value": "A"}),
    (PrivateAttributes, {"safe": [_SAFE]}),
    (PrivateAttributes, {"policy": "SafeList", "safe": [_SAFE]}),
    (DateShift, {"minDays": 2, "maxDays": 1}),
    (DateShift, {"minDays": 1, "maxDays": 6, "wholeWeeks": True}),
    (DateShift, {"minDays": 1, "maxDays": 6}),
    (DateShift, {"minDays": 7, "maxDays": 7, "wholeWeeks": True}),
    (DateShift, {"minDays": 8, "maxDays": 13, "wholeWeeks": True}),
    (Gate, {"action": "Drop"}),
    (Gate, {"action": "Drop", "modalities": []}),
    (Gate, {"action": "Drop", "imageTypes": ["SCREEN SAVE"]}),
    (Gate, {"action": "Drop", "sopClassUids": ["1.2"]}),
    (Gate, {"action": "Drop", "burnedInAnnotation": ["Present"]}),
]
