"""The table of docs/deidentification.md, made by the real engine: one CT before, and after each of three profiles.

`python -m adit.testing.before_after docs/deidentification.md` writes it anew; a test compares.
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.filereader import read_dataset

from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.pseudonymization import BUILT_IN, Profile, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.datasets import ct_study
from adit.testing.patients import Patient
from adit.transfer.outcomes import Rewritten
from adit.transfer.part10 import open_part10
from adit.transfer.rewriter import Subject

BEGIN, END = "<!-- before and after: begin -->", "<!-- before and after: end -->"
KEY: Final = bytes(range(32))
PATIENT: Final = Patient("SYN-0001", "Sample^Paul", "19301224", "M")
FREE_TEXT: Final = "Thorax, seen by Dr. Miller on 2024-01-14, Sample Paul"
ADDED: Final = {
    "PatientAge": "093Y",
    "PatientWeight": "80",
    "AccessionNumber": "A-77001",
    "StationName": "CT-EAST",
    "DeviceSerialNumber": "65432",
    "StudyDescription": FREE_TEXT,
    "ImageComments": "Patient is a neighbour of Mrs. Baker",
    "OperatorsName": "Operator^Anna",
    "PatientTelephoneNumbers": "0761 123456",
    "IssuerOfPatientID": "HOSPITAL",
}
SHOWN: Final = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientWeight"),
    *("PatientTelephoneNumbers", "IssuerOfPatientID", "AccessionNumber", "StudyDate", "StudyTime"),
    *("ReferringPhysicianName", "OperatorsName", "InstitutionName", "StationName", "Manufacturer"),
    *("DeviceSerialNumber", "StudyDescription", "SeriesDescription", "ImageComments"),
    *("StudyInstanceUID", "SliceThickness", "PatientIdentityRemoved", "DeidentificationMethod"),
    "LongitudinalTemporalInformationModified",
)
RESEARCH: Final = Profile(
    "thorax-study-1",
    PseudonymizationProfileSpec.of(
        {
            "options": [
                "RetainDeviceIdentity",
                "RetainPatientCharacteristics",
                "RetainLongitudinalModifiedDates",
                "CleanDescriptors",
                "RetainSafePrivate",
            ],
            "privateAttributes": {"policy": "SafeList"},
            "dateShift": {"minDays": 28, "maxDays": 730, "wholeWeeks": True},
            "overrides": [{"tag": "00104000", "action": "Remove"}],
            "gates": [{"action": "Drop", "modalities": ["US", "XA"]}],
            "pseudonymSource": "Derived",
            "trial": {"id": "THORAX-1", "name": "Thorax study"},
        }
    ),
)
"""The one of examples/profile."""
PROFILES: Final = (BUILT_IN["basic"], RESEARCH, BUILT_IN["adit-compatible"])
_LONGEST: Final = 52


def table() -> str:
    """Markdown: a row for each attribute that is shown, a column for each profile."""
    with tempfile.TemporaryDirectory() as folder:
        path = _example(Path(folder))
        columns = [dcmread(path), *(_after(path, profile) for profile in PROFILES)]
    heads = ["attribute", "before", *(f"`{profile.name}`" for profile in PROFILES)]
    lines = [_line(heads), _line(["---"] * len(heads))]
    lines += [_line([keyword, *(_cell(column, keyword) for column in columns)]) for keyword in SHOWN]
    lines.append(_line(["a private element", *(_private(column) for column in columns)]))
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Write the table between its marks."""
    page = Path(arguments[0])
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}", "utf-8")


def _example(folder: Path) -> Path:
    [path] = ct_study(PATIENT, instances=1, rows=8).write(folder)
    dataset = dcmread(path)
    for keyword, value in ADDED.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def _after(path: Path, profile: Profile) -> Dataset:
    outcome = Pseudonymizer(profile, ProjectKey(KEY)).rewrite(open_part10(path), Subject(pseudonym="TRIAL-17"))
    assert isinstance(outcome, Rewritten), outcome
    data_set = BytesIO(b"".join(outcome.instance.chunks()))
    return read_dataset(data_set, is_implicit_VR=False, is_little_endian=True)


def _cell(column: Dataset, keyword: str) -> str:
    if keyword not in column:
        return "–"
    value = column[keyword].value
    text = " / ".join(map(str, value)) if isinstance(value, (list, tuple)) or hasattr(value, "append") else str(value)
    if keyword.endswith("UID"):
        text = f"{text[:14]}…"
    text = re.sub(r"sha256:(....)\w*", r"sha256:\1…", text)
    return (text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…") or "*(empty)*"


def _private(column: Dataset) -> str:
    found = [str(one.value) for one in column if one.tag.is_private and not one.tag.is_private_creator]
    return found[0] if found else "–"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(sys.argv[1:])
