"""The SQLite file: objects as JSON, one counter of versions, and a bounded log of what happened, for watches.

A Store is one connection, used by one thread; what writes does so inside `writing()`.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from adit.cluster.cluster import ClusterUnavailable, Manifest
from adit.cluster.embedded.folder import DATABASE
from adit.cluster.embedded.locks import WritersTurn
from adit.cluster.kinds import Ref
from adit.errors import BadInput

SCHEMA_VERSION = 1
BUSY_SECONDS = 30

_TABLES = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE, labels TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name)
);
CREATE TABLE IF NOT EXISTS owners (
    owner_uid TEXT NOT NULL, uid TEXT NOT NULL REFERENCES objects (uid) ON DELETE CASCADE,
    PRIMARY KEY (owner_uid, uid)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS owners_of ON owners (uid);
CREATE TABLE IF NOT EXISTS events (
    version INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL, type TEXT NOT NULL,
    earlier_labels TEXT NOT NULL, body TEXT NOT NULL, bytes_so_far INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS slots (
    endpoint TEXT NOT NULL, token TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, since TEXT NOT NULL
) WITHOUT ROWID;
INSERT OR IGNORE INTO settings VALUES ('version', 1), ('forgotten', 1), ('bytes', 0);
"""

EventType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much of the past a watch may start from, and how many bytes that may take."""

    events: int = 10_000
    bytes: int = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One change of one object; `earlier_labels` are those before it."""

    version: int
    type: EventType
    namespace: str
    earlier_labels: dict[str, str]
    object: Manifest


class Store:
    """One connection to the file."""

    def __init__(self, path: Path, limits: LogLimits) -> None:
        self._limits = limits
        self._turn = WritersTurn(path.parent)
        # opened and closed by other threads than the one that works with it, never at the same time
        self.connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            # FULL: what a request answered survives a power cut; secure_delete: a deleted Secret is overwritten
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                self.connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            self.close()
            raise

    def prepare(self) -> None:
        """Make the tables. Raises BadInput for a file of a newer ADIT."""
        with self.writing():
            for statement in _TABLES.split(";"):
                self.connection.execute(statement)
            self.connection.execute("INSERT OR IGNORE INTO settings VALUES ('schema', ?)", (SCHEMA_VERSION,))
            found = self._setting("schema")
            if found != SCHEMA_VERSION:
                raise BadInput(
                    f"the data folder was written by another version of ADIT (schema {found}, this one reads "
                    f"{SCHEMA_VERSION}): use that version, or give another folder with --data or ADIT_DATA"
                )

    def close(self) -> None:
        self.connection.close()
        self._turn.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing, and alone: other writers wait for their turn, readers go on."""
        with self._turn.taken():
            yield from self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Everything read inside is of one moment."""
        yield from self._transaction("BEGIN")

    def _transaction(self, begin: str) -> Iterator[None]:
        self.connection.execute(begin)
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def version(self) -> int:
        """The version of the newest change."""
        return self._setting("version")

    def data_version(self) -> int:
        """Another number whenever another connection has committed."""
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def read(self, ref: Ref) -> Manifest | None:
        row = self.connection.execute(
            "SELECT body FROM objects WHERE kind = ? AND namespace = ? AND name = ?",
            (ref.kind, ref.namespace, ref.name),
        ).fetchone()
        return None if row is None else _manifest(row[0])

    def select(self, kind: str, namespace: str | None, labels: Mapping[str, str]) -> Iterator[Manifest]:
        """The objects of a kind by namespace and name."""
        query = ["SELECT body FROM objects WHERE kind = ?"]
        values = [kind]
        if namespace is not None:
            query.append("AND namespace = ?")
            values.append(namespace)
        for key, value in labels.items():
            query.append("AND EXISTS (SELECT 1 FROM json_each(labels) WHERE key = ? AND value = ?)")
            values += [key, value]
        query.append("ORDER BY namespace, name")
        for row in self.connection.execute(" ".join(query), values):
            yield _manifest(row[0])

    def has_uid(self, uid: str, namespace: str) -> bool:
        query = "SELECT 1 FROM objects WHERE uid = ? AND namespace = ?"
        return self.connection.execute(query, (uid, namespace)).fetchone() is not None

    def dependents(self, owner_uid: str) -> list[Manifest]:
        """The objects that name this owner."""
        query = "SELECT body FROM objects JOIN owners USING (uid) WHERE owner_uid = ? ORDER BY kind, namespace, name"
        return [_manifest(row[0]) for row in self.connection.execute(query, (owner_uid,)).fetchall()]

    def write(self, kind: EventType, old: Manifest | None, new: Manifest) -> Manifest:
        """Store an object, or take it out (DELETED), under the next version; what the file now says of it."""
        version = self.version() + 1
        metadata = {**new["metadata"], "resourceVersion": str(version)}
        written = {**new, "metadata": metadata}
        body = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
        uid, labels = metadata["uid"], json.dumps(metadata.get("labels", {}))
        place = (written["kind"], metadata["namespace"], metadata["name"])
        if kind == "ADDED":
            self.connection.execute("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)", (*place, uid, labels, body))
        elif kind == "MODIFIED":
            self.connection.execute("UPDATE objects SET labels = ?, body = ? WHERE uid = ?", (labels, body, uid))
        else:
            self.connection.execute("DELETE FROM objects WHERE uid = ?", (uid,))
        if kind != "DELETED":
            self._write_owners(uid, {owner["uid"] for owner in metadata.get("ownerReferences", ())})
        earlier = labels if old is None else json.dumps(old["metadata"].get("labels", {}))
        self._log(version, kind, written, earlier, body)
        return written

    def _write_owners(self, uid: str, owners: set[str]) -> None:
        self.connection.execute("DELETE FROM owners WHERE uid = ?", (uid,))
        self.connection.executemany("INSERT INTO owners VALUES (?, ?)", [(owner, uid) for owner in owners])

    def _log(self, version: int, kind: EventType, manifest: Manifest, earlier_labels: str, body: str) -> None:
        so_far = self._setting("bytes") + len(body)
        self.connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
            (version, manifest["kind"], manifest["metadata"]["namespace"], kind, earlier_labels, body, so_far),
        )
        self._set("version", version)
        self._set("bytes", so_far)
        self._forget(version, so_far)

    def _forget(self, version: int, so_far: int) -> None:
        """Drop the oldest events beyond the limits, never the newest."""
        last = self.connection.execute(
            "SELECT MAX(version) FROM events WHERE version < ? AND (version <= ? OR bytes_so_far < ?)",
            (version, version - self._limits.events, so_far - self._limits.bytes),
        ).fetchone()[0]
        if last is not None:
            self.connection.execute("DELETE FROM events WHERE version <= ?", (last,))
            self._set("forgotten", last)

    def forgotten(self) -> int:
        """The newest version that the log does not hold any more; a watch may start there, not earlier."""
        return self._setting("forgotten")

    def events(self, kind: str, after: int, namespace: str | None, limit: int) -> list[LoggedEvent]:
        """What happened to a kind after a version, oldest first."""
        rows = self.connection.execute(
            "SELECT version, type, namespace, earlier_labels, body FROM events "
            "WHERE version > ?1 AND kind = ?2 AND (?3 IS NULL OR namespace = ?3) ORDER BY version LIMIT ?4",
            (after, kind, namespace, limit),
        ).fetchall()
        return [LoggedEvent(row[0], row[1], row[2], json.loads(row[3]), _manifest(row[4])) for row in rows]

    def _setting(self, name: str) -> int:
        return int(self.connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()[0])

    def _set(self, name: str, value: int) -> None:
        self.connection.execute("UPDATE settings SET value = ? WHERE name = ?", (value, name))


def translated(error: sqlite3.Error, path: Path) -> ClusterUnavailable | BadInput:
    """What SQLite's refusal means to the caller."""
    code = getattr(error, "sqlite_errorcode", None)
    if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return BadInput(f"{path} is damaged or not a database: restore it from the backup; the project key is in it")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ClusterUnavailable(f"{path} has been locked by another process for {BUSY_SECONDS} s")
    if code == sqlite3.SQLITE_FULL:
        return ClusterUnavailable(f"no space left to write {path}: free some")
    return ClusterUnavailable(f"{path} cannot be read or written: {error}")


def _manifest(body: str) -> Manifest:
    manifest: Manifest = json.loads(body)
    return manifest


def prepare_database(folder: Path, limits: LogLimits) -> None:
    """Make the tables where they are missing, one process at a time. Raises BadInput, ClusterUnavailable."""
    path = folder / DATABASE
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # the step to WAL does not wait for others by itself
        store = Store(path, limits)
        try:
            store.prepare()
        finally:
            store.close()
    except sqlite3.Error as error:
        raise translated(error, path) from error
    finally:
        os.close(descriptor)
