"""Tables as kubectl prints them: a row is one line, however long, so that UIDs can be copied and lines be grepped."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

GAP = "   "


def plain_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: frozenset[str] = frozenset()) -> str:
    """Aligned columns; those named in `right` are numbers. Counts the cells that wide characters take on a terminal."""
    lines = [list(headings), *(list(map(_one_line, row)) for row in rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        GAP.join(
            _padded(cell, width, to_the_right=heading in right)
            for cell, width, heading in zip(line, widths, headings, strict=True)
        ).rstrip()
        for line in lines
    )


def _one_line(cell: str) -> str:
    # A value of a PACS may hold anything; control characters would move the cursor of a terminal.
    return "".join(character if character.isprintable() else " " for character in cell)


def _padded(cell: str, width: int, *, to_the_right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if to_the_right else cell + space
