"""What a run of `adit pseudonymize` is told, and what becomes of each file: values that go to the workers and back."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from adit_cli.pseudonymize.pseudonyms import Patient

State = Literal["written", "duplicate", "excluded", "held", "failed"]


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read: its number in the report, and where its data set lies."""

    number: int
    path: Path
    offset: int
    length: int
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class Order:
    """All that a worker needs; `pseudonyms` where a list is given, else they are derived with `salt`."""

    profile: dict[str, Any]
    key: bytes = field(repr=False)
    target: Path
    scratch: Path
    exclude_modalities: frozenset[str] = frozenset()
    pseudonyms: dict[Patient, str] | None = field(default=None, repr=False)
    salt: str = ""
    trial_id: str | None = None
    trial_name: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one file; `new_uid` and `pseudonym` where it was written (or would have been)."""

    number: int
    state: State
    reason: str = ""
    message: str = ""
    new_uid: str = ""
    pseudonym: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Staged:
    """A rewritten file that has no place yet: the item that it will be, its place below the output, and whose it is.

    It lies in `file`; where nothing is written it is known by its `digest` alone. `patient` is a keyed hash, empty
    where a list says who is who.
    """

    item: Item
    place: tuple[str, str, str, str]
    file: Path
    digest: bytes
    patient: str = field(repr=False)


Deeds = Counter[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch of files, in their order."""

    results: tuple[Item | Staged, ...]
    deeds: Deeds
