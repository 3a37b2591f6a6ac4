"""A mapping table as a file for people: xlsx or csv, for its owner's eyes only, and no program's formulas."""

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from adit.errors import BadInput
from adit.pseudonymization.mapping import MappingRow

# As the rows are called wherever they are read by programs.
HEADINGS = ("issuer", "patientId", "pseudonym", "profile", "namespace", "keyId", "firstJob", "since")
# What a spreadsheet takes for the beginning of a formula, in its full width, too.
FORMULA = re.compile(r"^[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - the full-width forms are meant
# XML has no place for them.
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
SHEET = "mapping"
WIDTH = 24
FORMS = (".xlsx", ".csv")


def form_of(path: Path) -> str:
    """The form that the name of a file asks for. Raises BadInput."""
    suffix = path.suffix.lower()
    if suffix not in FORMS:
        raise BadInput(f"{path.name}: the name must end in {' or '.join(FORMS)}; rows are never printed")
    return suffix


def content_of(rows: Iterable[MappingRow], form: str) -> bytes:
    """The whole file."""
    lines = [
        (row.issuer, row.patient_id, row.pseudonym, row.profile, row.namespace, row.key_id, row.first_job, row.since)
        for row in rows
    ]
    return _workbook(lines) if form == ".xlsx" else _comma_separated(lines)


def neutral(text: str) -> str:
    """A text that no spreadsheet calculates: an apostrophe before what would begin a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def require_free(path: Path, *, force: bool) -> None:
    """Raise BadInput where something is there that may not be replaced, or cannot be."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder: name the file")
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is no folder")
    if not force and (path.exists() or path.is_symlink()):
        raise BadInput(f"{path} is there already: --force replaces it")


def write_private(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file of mode 0600, whole or not at all; a link is replaced and never followed. Raises BadInput."""
    new = path.with_name(f".{path.name}.{os.getpid()}") if force else path
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            if force:
                new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except FileExistsError:
        raise BadInput(f"{new} is there already: --force replaces it") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error


def _comma_separated(lines: Sequence[Sequence[str]]) -> bytes:
    """RFC 4180 in UTF-8, with the mark without which Excel would guess the encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    writer.writerows([neutral(cell) for cell in line] for line in lines)
    return text.getvalue().encode("utf-8-sig")


def _workbook(lines: Sequence[Sequence[str]]) -> bytes:
    """One sheet of texts: an id keeps its zeros, and nothing is calculated, not even when a cell is edited."""
    from openpyxl import Workbook  # noqa: PLC0415 - no other command pays for it
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above

    book = Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    sheet.freeze_panes = "A2"
    for letter in "ABCDEFGH":
        sheet.column_dimensions[letter].width = WIDTH
    sheet.append(list(HEADINGS))
    for line in lines:
        cells = []
        for value in line:
            cell = WriteOnlyCell(sheet, value=NO_XML.sub("\ufffd", value))
            cell.data_type = "s"
            cell.quotePrefix = FORMULA.match(value) is not None
            cell.number_format = "@"
            cells.append(cell)
        sheet.append(cells)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
