"""A look at the quarantine, beside a running receiver or without one: what nobody waited for, and where it came from.

Identifiers are shown only where they are asked for: a terminal's history is no place for them.
"""

import argparse
import shutil
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from adit.errors import BadInput
from adit.transmit.mailbox import Letter
from adit_receiver.arrivals import size_of, study_of
from adit_receiver.layout import QUARANTINE, arrived_at, calling_ae_title, letters_in

MAX_DAYS: Final = 36_500
STANDARD_OUTPUT: Final = Path("-")


def add_commands(parser: argparse.ArgumentParser) -> None:
    """`list`, `export DIR` and `purge --older-than DAYS`."""
    commands = parser.add_subparsers(dest="action", required=True)
    listing = commands.add_parser("list", help="what lies there, oldest first, and how much of whom")
    listing.add_argument("--identifiers", action="store_true", help="show study and SOP Instance UIDs as well")
    export = commands.add_parser("export", help="copy it as DICOM files; it stays where it is")
    export.add_argument("folder", type=Path, help="a folder, or - for a tar archive on the standard output")
    purge = commands.add_parser("purge", help="remove what is older")
    purge.add_argument("--older-than", type=_days, required=True, metavar="DAYS")


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days <= MAX_DAYS:  # no number is false here too
        raise argparse.ArgumentTypeError(f"days from 0 to {MAX_DAYS}")
    return days


def run(arguments: argparse.Namespace, spool: Path) -> Iterator[str]:
    """Carry the command out; the lines to be shown."""
    letters = sorted(_everything(spool), key=lambda one: one.name)
    match arguments.action:
        case "list":
            yield from _listed(letters, identifiers=arguments.identifiers)
        case "export":
            if arguments.folder == STANDARD_OUTPUT:
                _archive(letters, sys.stdout.buffer)
            else:
                yield _exported(letters, arguments.folder)
        case "purge":
            yield _purged(letters, arguments.older_than * 86_400)


def _everything(spool: Path) -> Iterator[Letter]:
    if not spool.is_dir():
        raise BadInput(f"there is no spool at {spool}: set ADIT_RECEIVER_SPOOL")
    for folder in sorted(spool.glob(f"*/{QUARANTINE}")):
        yield from letters_in(folder)


def _listed(letters: list[Letter], *, identifiers: bool) -> Iterator[str]:
    senders: Counter[str] = Counter()
    for letter in letters:
        title = calling_ae_title(letter.name)
        senders[title] += 1
        when = datetime.fromtimestamp(arrived_at(letter.name) / 1e9, UTC)
        line = f"{when:%Y-%m-%d %H:%M:%S}  {title:16}  {size_of(letter):>12,}  {letter.name}"
        yield f"{line}  {study_of(letter)}  {letter.sop_instance_uid}" if identifiers else line
    for title, count in senders.most_common():
        yield f"{count} instances from {title or '(no AE title)'}"
    if not letters:
        yield "the quarantine is empty"


def _exported(letters: list[Letter], folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for letter in letters:
        target = folder / f"{letter.name}.dcm"
        partial = target.with_suffix(".partial")
        shutil.copyfile(letter.path, partial)
        partial.rename(target)
    return f"copied {len(letters)} instances to {folder}"


def _archive(letters: list[Letter], out: BinaryIO) -> None:
    """As a stream: where the receiver runs there is no disk for a second copy."""
    with tarfile.open(fileobj=out, mode="w|") as archive:
        for letter in letters:
            archive.add(letter.path, f"{letter.name}.dcm", recursive=False)


def _purged(letters: list[Letter], seconds: float) -> str:
    oldest = time.time_ns() - int(seconds * 1e9)
    old = [letter for letter in letters if arrived_at(letter.name) < oldest]
    for letter in old:
        letter.path.unlink(missing_ok=True)
    return f"removed {len(old)} of {len(letters)} instances"
