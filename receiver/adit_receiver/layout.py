"""Where a replica's instances lie, and what their files are called: the spool's state is this folder and nothing else.

```
<spool>/<replica>/lease                        its sign of life, where the spool is shared
                 /incoming/NAME                what is arriving: nobody was told that we have it; emptied at start
                 /announcements/ID.json        what somebody waits for
                 /awaited/ID/NAME              accepted, and not acknowledged by this announcement: hard links
                 /quarantine/NAME              accepted, and nobody waits for it
```
An instance that was accepted is linked in at least one of the last two until it is acknowledged or its time in the
quarantine is over. Every step leaves it there, whenever the process is killed.
"""

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adit.transfer.part10 import NotPart10, read_front
from adit.transmit.mailbox import Letter

INCOMING, ANNOUNCEMENTS, AWAITED, QUARANTINE = "incoming", "announcements", "awaited", "quarantine"
LEASE, ADOPTED = "lease", "adopted-"
_NAME: Final = re.compile(r"(?P<nanoseconds>[0-9]{20})-[0-9a-f]{16}-(?P<title>(?:[0-9a-f]{2}){0,16})")


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one replica."""

    path: Path

    @property
    def incoming(self) -> Path:
        return self.path / INCOMING

    @property
    def announcements(self) -> Path:
        return self.path / ANNOUNCEMENTS

    @property
    def quarantine(self) -> Path:
        return self.path / QUARANTINE

    def awaited(self, announcement_id: str) -> Path:
        return self.path / AWAITED / announcement_id

    def make(self) -> None:
        """Make what is missing, durable. Raises OSError."""
        for part in (INCOMING, ANNOUNCEMENTS, AWAITED, QUARANTINE):
            (self.path / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_folder(self.path)
        sync_folder(self.path.parent)


def new_name(nanoseconds: int, calling_ae_title: str) -> str:
    """The name of an instance's file: when it came, chance, and who sent it, in hexadecimal digits.

    Nothing from the wire stands in it as it came.
    """
    return f"{nanoseconds:020d}-{secrets.token_hex(8)}-{calling_ae_title[:16].encode('latin-1', 'replace').hex()}"


def arrived_at(name: str) -> int:
    """When it arrived, nanoseconds since the epoch; 0 where the name is none of ours."""
    match = _NAME.fullmatch(name)
    return int(match["nanoseconds"]) if match else 0


def calling_ae_title(name: str) -> str:
    """Who sent it; empty where the name is none of ours."""
    match = _NAME.fullmatch(name)
    return bytes.fromhex(match["title"]).decode("latin-1") if match else ""


def letters_in(folder: Path) -> Iterator[Letter]:
    """What lies in a folder, oldest first; a file whose name is none of ours is left alone. Raises OSError."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if _NAME.fullmatch(entry.name))
    except FileNotFoundError:
        return
    for name in names:
        letter = letter_of(folder / name)
        if letter is not None:
            yield letter


def letter_of(path: Path) -> Letter | None:
    """An instance by its file; None where it is gone. What cannot be read as one has no UIDs. Raises OSError."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            try:
                front = read_front(file)
            except NotPart10:
                return Letter(path.name, path, 0, size, "", "", "")
    except FileNotFoundError:
        return None
    return Letter(
        path.name,
        path,
        front.offset,
        size - front.offset,
        front.sop_class_uid,
        front.sop_instance_uid,
        front.transfer_syntax_uid,
    )


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.rename(path)
    sync_folder(path.parent)
