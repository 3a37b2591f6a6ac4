"""Files that a rewriting makes beside the spooled one: inflated data, a large head, blanked pixels."""

from pathlib import Path
from typing import Literal, get_args

from adit.transfer.instance import FileSlice, Instance

Derivation = Literal["inflated", "rewritten", "blanked"]


def derived(instance: Instance, what: Derivation) -> Path:
    """Where a file made of an instance lies."""
    (piece,) = instance.pieces
    if not isinstance(piece, FileSlice):
        raise TypeError("an instance is rewritten once, from the file that it arrived in")
    return piece.path.with_name(f"{piece.path.name}.{what}")


def remove_derived(instance: Instance, leaving: Instance | None) -> None:
    """Remove what was made beside the spool file, unless the instance that leaves lies in it."""
    used = {piece.path for piece in leaving.pieces if isinstance(piece, FileSlice)} if leaving else set()
    for what in get_args(Derivation):
        path = derived(instance, what)
        if path not in used:
            path.unlink(missing_ok=True)
