"""An embedded cluster's data folder: private, local, with room, sound, and who works it now."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from adit.cluster.embedded.folder import DATABASE, OPERATOR_LOCK, filesystem_of, is_network
from adit.cluster.embedded.locks import is_locked
from adit.diagnosis.finding import Finding, note, ok, problem, warning

LITTLE, VERY_LITTLE = 20 << 30, 2 << 30
_GIB = 1 << 30
_MOUNTS = Path("/proc/self/mounts")


def examine_folder(data: Path) -> Iterator[Finding]:
    """One finding after the other; a folder that is not there is no error, and is not made."""
    about = "data folder"
    if not data.exists():
        yield note(
            "FolderMissing", about, f"{data} does not exist yet", "adit run makes it; adit demo shows what happens then"
        )
        return
    if not data.is_dir():
        yield problem(
            "FolderUnusable",
            about,
            f"{data} is no folder",
            cause="--data or ADIT_DATA names a file",
            fix="name a folder",
        )
        return
    yield _private(about, data)
    yield _local(about, data)
    yield judge_room(about, data, shutil.disk_usage(data).free)
    if (data / DATABASE).exists():
        yield _sound(about, data / DATABASE)
    yield _worked(about, data)


def _private(about: str, data: Path) -> Finding:
    found = data.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != os.geteuid():
        return problem(
            "FolderOwner",
            about,
            f"{data} belongs to user {found.st_uid}, and you are {os.geteuid()}",
            cause="ADIT was run once as root and once as yourself, or the folder is a colleague's",
            fix="run ADIT as that user, or give a folder of your own with --data",
        )
    if mode & 0o077:
        return problem(
            "FolderOpen",
            about,
            f"{data} has mode {mode:04o}: others of this machine may look in",
            cause="it was made by hand, or its mode was changed; it holds patients' ids and credentials",
            fix=f"chmod 700 {data}",
        )
    return ok("FolderPrivate", about, f"{data} is yours alone (mode {mode:04o})")


def _local(about: str, data: Path) -> Finding:
    text = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape") if _MOUNTS.exists() else ""
    kind = filesystem_of(text, data.resolve())
    if is_network(kind):
        return problem(
            "FolderOnNetwork",
            about,
            f"{data} lies on a network file system ({kind})",
            cause="locks do not hold there, so two machines could work the same jobs and damage the database",
            fix="give a folder on a local disk with --data or ADIT_DATA",
        )
    return ok("FolderLocal", about, f"lies on a local file system ({kind or 'of unknown type'})")


def judge_room(about: str, data: Path, free: int) -> Finding:
    """Whether so many bytes are enough to work with."""
    what = f"{free / _GIB:.1f} GiB are free"
    if free >= LITTLE:
        return ok("FolderRoom", about, what)
    cause = "each runner spools one object at a time, folders keep whole studies here, and logs and records grow"
    fix = f"free some space on the disk of {data}, or give another folder"
    if free >= VERY_LITTLE:
        return warning("FolderLittleRoom", about, what, cause=cause, fix=fix)
    return problem("FolderFull", about, what, cause=cause, fix=fix)


def _sound(about: str, database: Path) -> Finding:
    """SQLite's own check. Only through SQLite: closing the file otherwise would drop its locks in this process."""
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        answer = str(error)
    if answer == "ok":
        return ok("DatabaseSound", about, f"{database.name} is sound ({database.stat().st_size / (1 << 20):.1f} MiB)")
    if "locked" in answer:
        return warning(
            "DatabaseLocked",
            about,
            f"{database.name} could not be read within 5 s",
            cause="another process holds it: a backup, or a program that hangs",
            fix=f"see who does: fuser {database}",
        )
    return problem(
        "DatabaseDamaged",
        about,
        f"{database.name} is damaged: {answer[:200]}",
        cause="the disk was full or failed, or the file was copied while ADIT ran",
        fix="restore it from the backup, as docs/operations.md says. Without one the project key is lost with it: who "
        "moves the file away starts empty, a new key is made in silence, and the same patients get other UIDs; do not "
        "pseudonymize before the key is back",
    )


def _worked(about: str, data: Path) -> Finding:
    """Whether a process is the operator of this folder now: a lock that is held is a holder that lives."""
    if not is_locked(data / OPERATOR_LOCK):
        return note(
            "NobodyWorks", about, "no adit run works this folder now", "jobs move only while one does: adit run FILE"
        )
    return ok("Worked", about, "a living process works this folder")
