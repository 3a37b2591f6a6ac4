"""Where an accepted instance's file gets its names, and loses them again where these cannot be made durable."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from adit.transmit.announcement import Announcement
from adit_receiver.layout import Folder, sync_folder, write_durably


def put(path: Path, targets: Sequence[Path]) -> None:
    """Give the file a name in every target folder, in place of the one it has; all or none. Raises OSError."""
    made: list[Path] = []
    try:
        for target in targets[1:]:
            os.link(path, target / path.name)
            made.append(target / path.name)
        path.rename(targets[0] / path.name)
    except OSError:
        take_back(made)
        raise


def take_back(paths: Sequence[Path]) -> list[Path]:
    """Remove these names; those that would not go, and are still there."""
    left: list[Path] = []
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            left.append(path)
    return left


def write_announcement(folder: Folder, announcement: Announcement) -> None:
    """Open it on disk: a folder for its letters, then the file that says so. Raises OSError."""
    awaited = folder.awaited(announcement.id)
    awaited.mkdir(exist_ok=True, mode=0o700)
    sync_folder(awaited.parent)
    fields = asdict(announcement) | {"sop_instance_uids": sorted(announcement.sop_instance_uids)}
    write_durably(folder.announcements / f"{announcement.id}.json", json.dumps(fields).encode())


def read_announcement(path: Path) -> Announcement:
    """The announcement in a file of ours. Raises OSError."""
    fields = json.loads(path.read_bytes())
    return Announcement(**fields | {"sop_instance_uids": frozenset(fields["sop_instance_uids"])})


def remove_announcement(folder: Folder, announcement_id: str) -> None:
    """Close it on disk, once its letters are elsewhere. Raises OSError."""
    (folder.announcements / f"{announcement_id}.json").unlink(missing_ok=True)
    with suppress(OSError):  # something else lies in it, which is not ours to remove
        folder.awaited(announcement_id).rmdir()
