"""The mapping table: which patient got which pseudonym, as rows and as the Secrets that keep them. Pure.

The operator writes one group of Secrets for each job, never changed afterwards; an export reads all of them.
"""

import base64
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from adit.api import labels
from adit.cluster.cluster import Manifest
from adit.errors import BadInput

MAPPING_TYPE = "adit.dev/mapping"
PURPOSE_MAPPING = "mapping"
NAME_PREFIX = "adit-mapping"
ENTRY = "rows.jsonl.gz"

# A Secret holds 1 MiB, and 10,000 rows of an ordinary kind take a third of that.
MAX_ROWS = 10_000
MAX_PACKED_BYTES = 900 << 10
# What the API takes in an identifier, a pseudonym, a name; of UTF-8 and with its name, no line is longer than 4 KiB.
MAX_FIELD_CHARACTERS = 64
MAX_LINE_BYTES = 4 << 10
MAX_UNPACKED_BYTES = MAX_ROWS * MAX_LINE_BYTES


@dataclass(frozen=True, slots=True, order=True)
class MappingRow:
    """One patient under one pseudonym; its text may name a patient, so it never enters a log."""

    namespace: str
    profile: str
    issuer: str
    patient_id: str
    pseudonym: str
    key_id: str
    since: str
    first_job: str

    def __post_init__(self) -> None:
        if any(len(getattr(self, field)) > MAX_FIELD_CHARACTERS for field in _NAMES):
            raise _unreadable(f"a field has more than {MAX_FIELD_CHARACTERS} characters")

    def __repr__(self) -> str:
        return f"MappingRow(namespace={self.namespace!r}, profile={self.profile!r}, …)"

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it one row, however many jobs have met it."""
        return (self.namespace, self.profile, self.issuer, self.patient_id, self.pseudonym, self.key_id)


# JSON's names, in the order of the fields.
_NAMES = {
    "namespace": "namespace",
    "profile": "profile",
    "issuer": "issuer",
    "patient_id": "patientId",
    "pseudonym": "pseudonym",
    "key_id": "keyId",
    "since": "since",
    "first_job": "firstJob",
}
assert tuple(_NAMES) == tuple(field.name for field in fields(MappingRow))


def merged(rows: Iterable[MappingRow]) -> tuple[MappingRow, ...]:
    """Each row once, in order; of several jobs that met the patient the first one stays."""
    first: dict[tuple[str, ...], MappingRow] = {}
    for row in rows:
        known = first.get(row.identity)
        if known is None or (row.since, row.first_job) < (known.since, known.first_job):
            first[row.identity] = row
    return tuple(sorted(first.values()))


def encode(rows: Iterable[MappingRow]) -> bytes:
    """JSON lines, gzip; the same rows give the same bytes."""
    return gzip.compress(b"".join(map(_line, rows)), mtime=0)


def decode(content: bytes) -> tuple[MappingRow, ...]:
    """The rows. Raises BadInput (MappingUnreadable) that names no value."""
    if not content:
        raise _unreadable("it is empty")
    if len(content) > MAX_PACKED_BYTES:
        raise _unreadable(f"more than {MAX_PACKED_BYTES >> 10} KiB")
    return tuple(_row(line, number) for number, line in enumerate(_lines(content), start=1))


def mapping_name(namespace: str, job_uid: str, part: int) -> str:
    """The name of a Secret of this job; it tells neither the job nor a patient."""
    digest = hashlib.sha256(f"{namespace}/{job_uid}".encode()).hexdigest()
    return f"{NAME_PREFIX}-{digest[:16]}-{part}"


def mapping_secrets(
    rows: Iterable[MappingRow], *, namespace: str, job_uid: str, runner_namespace: str
) -> tuple[Manifest, ...]:
    """The Secrets that keep the rows of one job: the same ones whenever they are asked for; none without rows."""
    return tuple(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": mapping_name(namespace, job_uid, part),
                "namespace": runner_namespace,
                "labels": {
                    labels.MANAGED_BY: labels.MANAGED_BY_ADIT,
                    labels.PURPOSE: PURPOSE_MAPPING,
                    labels.OWNER_NAMESPACE: namespace,
                },
            },
            "type": MAPPING_TYPE,
            "immutable": True,
            "data": {ENTRY: base64.b64encode(content).decode()},
        }
        for part, content in enumerate(_contents(merged(rows)))
    )


def rows_of_secret(secret: Manifest) -> tuple[MappingRow, ...]:
    """The rows of one Secret as the cluster holds it. Raises BadInput (MappingUnreadable) that names the Secret."""
    name = secret["metadata"]["name"]
    if secret.get("type") != MAPPING_TYPE:
        raise BadInput(f"Secret {name} is no part of a mapping table", reason="MappingUnreadable")
    try:
        content = base64.b64decode((secret.get("data") or {}).get(ENTRY, ""), validate=True)
        return decode(content)
    except (ValueError, BadInput) as error:
        message = error.message if isinstance(error, BadInput) else f"entry {ENTRY} is not base64"
        raise BadInput(f"Secret {name}: {message}", reason="MappingUnreadable") from None


def _contents(rows: tuple[MappingRow, ...]) -> Iterator[bytes]:
    """The rows in parts that a Secret can hold each; a part that came out too large is halved."""
    waiting = [rows[start : start + MAX_ROWS] for start in range(0, len(rows), MAX_ROWS)]
    waiting.reverse()
    while waiting:
        part = waiting.pop()
        content = encode(part)
        if len(content) <= MAX_PACKED_BYTES or len(part) == 1:
            yield content
            continue
        middle = len(part) // 2
        waiting.extend((part[middle:], part[:middle]))


def _line(row: MappingRow) -> bytes:
    fields_ = {name: getattr(row, field) for field, name in _NAMES.items()}
    return json.dumps(fields_, ensure_ascii=False).encode() + b"\n"


def _lines(content: bytes) -> Iterator[bytes]:
    """The lines; neither one of them nor all together longer than rows can be, whatever was packed."""
    left = MAX_UNPACKED_BYTES
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as opened:
        while True:
            try:
                line = opened.readline(MAX_LINE_BYTES + 1)
            except (OSError, EOFError, zlib.error):
                raise _unreadable("not gzip, or cut short") from None
            if not line:
                return
            left -= len(line)
            if len(line) > MAX_LINE_BYTES or left < 0:
                raise _unreadable("unpacked longer than a mapping table can be")
            yield line


def _row(line: bytes, number: int) -> MappingRow:
    try:
        value: Any = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise _unreadable(f"line {number} is not JSON") from None
    known = set(_NAMES.values())
    if not isinstance(value, dict) or set(value) != known:
        raise _unreadable(f"line {number} has not the fields {', '.join(_NAMES.values())}")
    if not all(isinstance(one, str) for one in value.values()):
        raise _unreadable(f"line {number} has a field that is no text")
    return MappingRow(**{field: value[name] for field, name in _NAMES.items()})


def _unreadable(what: str) -> BadInput:
    return BadInput(f"the mapping table cannot be read: {what}", reason="MappingUnreadable")
