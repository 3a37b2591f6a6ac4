"""Which patient gets which pseudonym: by a list of the person's, or derived from the project key."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adit.api.fields import PSEUDONYM_PATTERN
from adit.errors import BadInput
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import normalised_id

MAX_ROWS = 1_000_000
MAX_PSEUDONYM = 64
_PSEUDONYM = re.compile(PSEUDONYM_PATTERN)
_COLUMNS = ("patientid", "pseudonym", "issuer")

Patient = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list; whoever is not on it gets none."""

    pseudonyms: Mapping[Patient, str] = field(repr=False)

    def of(self, issuer: str, patient_id: str) -> str | None:
        """By issuer and ID, else by an ID that the list names without issuer."""
        patient = normalised_id(patient_id)
        return self.pseudonyms.get((normalised_id(issuer), patient)) or self.pseudonyms.get(("", patient))


@dataclass(frozen=True, slots=True)
class Derived:
    """From the key; `salt` makes them others than those of another run."""

    keyring: Keyring = field(repr=False)
    salt: str = ""

    def of(self, issuer: str, patient_id: str) -> str | None:
        return self.keyring.derived_pseudonym(issuer, patient_id, self.salt) if normalised_id(patient_id) else None


def read_list(path: Path) -> dict[Patient, str]:
    """The list in a CSV or xlsx file with the columns patientId, pseudonym and, if wanted, issuer. Raises BadInput."""
    try:
        rows = list(_workbook(path) if path.suffix.lower() == ".xlsx" else _comma_separated(path))
    except OSError as error:
        raise BadInput(f"--pseudonyms {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"--pseudonyms {path} is no CSV file in UTF-8") from error
    if not rows:
        raise BadInput(f"--pseudonyms {path} is empty")
    return _checked(path, rows)


def _checked(path: Path, rows: list[list[str]]) -> dict[Patient, str]:
    heading = [cell.strip().lower() for cell in rows[0]]
    if not {"patientid", "pseudonym"} <= set(heading):
        raise BadInput(
            f"--pseudonyms {path}: the first line must name the columns patientId and pseudonym (and issuer)"
        )
    places = {name: heading.index(name) for name in _COLUMNS if name in heading}
    found: dict[Patient, str] = {}
    owners: dict[str, Patient] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        if not any(cells.values()):
            continue
        patient = normalised_id(cells.get("issuer", "")), normalised_id(cells["patientid"])
        pseudonym = cells["pseudonym"]
        if problem := _problem(patient, pseudonym, found, owners):
            raise BadInput(f"--pseudonyms {path}, line {number}: {problem}")
        found[patient] = pseudonym
        owners[pseudonym] = patient
    return found


def _problem(patient: Patient, pseudonym: str, found: Mapping[Patient, str], owners: Mapping[str, Patient]) -> str:
    """What is wrong with a line; it names nobody."""
    if not patient[1]:
        return "patientId is empty"
    if len(pseudonym) > MAX_PSEUDONYM or not _PSEUDONYM.fullmatch(pseudonym):
        return "not a pseudonym (1–64 printable ASCII characters without * ? = ^ or backslash)"
    if found.get(patient, pseudonym) != pseudonym:
        return "this patient has another pseudonym in an earlier line"
    if owners.get(pseudonym, patient) != patient:
        return "another patient has this pseudonym in an earlier line"
    return ""


def _comma_separated(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        sample = file.read(4096)
        file.seek(0)
        delimiter = ";" if sample.partition("\n")[0].count(";") > sample.partition("\n")[0].count(",") else ","
        yield from _limited(path, csv.reader(file, delimiter=delimiter))


def _workbook(path: Path) -> Iterator[list[str]]:
    from zipfile import BadZipFile  # noqa: PLC0415 - only where a workbook is read

    from openpyxl import load_workbook  # noqa: PLC0415 - as above
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError) as error:
        raise BadInput(f"--pseudonyms {path} is no xlsx file") from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        yield from _limited(path, ([_text(cell) for cell in row] for row in rows))
    finally:
        book.close()


def _text(cell: object) -> str:
    """A cell as a person sees it: 4711, not 4711.0."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _limited(path: Path, rows: Iterable[list[str]]) -> Iterator[list[str]]:
    for number, row in enumerate(rows):
        if number > MAX_ROWS:
            raise BadInput(f"--pseudonyms {path} has more than {MAX_ROWS} lines")
        yield row
