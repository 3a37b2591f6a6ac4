"""The report: what was done, attribute by attribute, and what became of each file; it names no original value."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from adit.encoded.dictionary import is_private, keyword_of
from adit_cli.mapping_file import FORMULA, NO_XML, form_of, neutral
from adit_cli.pseudonymize.run import Found, Tally

Cell = str | int
Sheets = Mapping[str, Sequence[Sequence[Cell]]]
_WIDTH = 28
MAX_LISTED = 1_000_000  # a sheet has 2^20 rows


def sheets_of(facts: Mapping[str, str], found: Found, tally: Tally) -> Sheets:
    """Summary, attributes and instances as rows of cells, headings first."""
    states = tally.states
    numbers: dict[str, int] = {
        "files read": len(found.sources),
        "written": states["written"],
        "duplicates": states["duplicate"],
        "excluded": states["excluded"],
        "held": states["held"],
        "failed": states["failed"] + len(found.unreadable),
        "not DICOM": found.foreign,
    }
    summary: list[Sequence[Cell]] = [("what", "value"), *facts.items(), *numbers.items()]
    attributes: list[Sequence[Cell]] = [("tag", "attribute", "action", "count"), *_attributes(tally)]
    heading: Sequence[Cell] = ("file", "state", "pseudonym", "SOPInstanceUID", "reason", "message")
    listed = tally.items
    if len(listed) > MAX_LISTED:
        summary.append(("Instances", "only what was not written: a sheet has no room for all"))
        listed = [item for item in listed if item.state != "written"][:MAX_LISTED]
    instances: list[Sequence[Cell]] = [
        heading,
        *((one.number, one.state, one.pseudonym, one.new_uid, one.reason, one.message) for one in listed),
    ]
    return {"Summary": summary, "Attributes": attributes, "Instances": instances}


def content_of(sheets: Sheets, path: Path) -> bytes:
    """The file that its name asks for, .xlsx or .csv. Raises BadInput."""
    return _workbook(sheets) if form_of(path) == ".xlsx" else _comma_separated(sheets)


def _attributes(tally: Tally) -> Iterable[Sequence[Cell]]:
    """By tag; private elements are summed up per group, since their numbers mean nothing without a creator."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for (tag, action), count in tally.deeds.items():
        number = f"({tag >> 16:04X},xxxx)" if is_private(tag) else f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        keyword = "private elements" if is_private(tag) else keyword_of(tag)
        counts[number, keyword, action] += count
    return ((*key, count) for key, count in sorted(counts.items()))


def _comma_separated(sheets: Sheets) -> bytes:
    """One table, the sheet's name in front of each line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for name, rows in sheets.items():
        writer.writerows([name, *(neutral(str(cell)) for cell in row)] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _workbook(sheets: Sheets) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415 - only where a report is asked for
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - as above

    book = Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        for letter in "ABCDEF":
            sheet.column_dimensions[letter].width = _WIDTH
        for row in rows:
            cells = []
            for value in row:
                cell = WriteOnlyCell(sheet, value=NO_XML.sub("\ufffd", value) if isinstance(value, str) else value)
                if isinstance(value, str):
                    cell.data_type = "s"
                    cell.quotePrefix = FORMULA.match(value) is not None
                cells.append(cell)
            sheet.append(cells)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
