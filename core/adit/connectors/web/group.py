"""Instances put together for one STOW-RS request, and the multipart body that carries them from disk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.part10 import front_of

MAX_GROUP = 20
MAX_GROUP_BYTES = 64 << 20
_PART_HEADER = b"Content-Type: application/dicom\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Group:
    """What one request carries."""

    instances: tuple[Instance, ...]

    def length(self, boundary: str) -> int:
        """Bytes of `body`."""
        around = len(_opening(boundary)) + len(_PART_HEADER)
        parts = sum(around + len(front_of(instance)) + instance.length for instance in self.instances)
        return parts + len(_closing(boundary))

    def body(self, boundary: str) -> Iterator[bytes]:
        """The multipart/related body; the boundary is random, so that no data set holds it."""
        for instance in self.instances:
            yield _opening(boundary) + _PART_HEADER + front_of(instance)
            yield from instance.chunks()
        yield _closing(boundary)


def groups(instances: Iterable[Instance]) -> Iterator[Group | StoreOutcome]:
    """At most 20 instances or 64 MiB each (a larger one alone), in order; an unreadable one is an outcome already."""
    waiting: list[Instance] = []
    for instance in instances:
        if not _readable(instance):
            if waiting:
                yield Group(tuple(waiting))
                waiting = []
            yield _unreadable(instance)
            continue
        if waiting and sum(one.length for one in waiting) + instance.length > MAX_GROUP_BYTES:
            yield Group(tuple(waiting))
            waiting = []
        waiting.append(instance)
        if len(waiting) == MAX_GROUP:
            yield Group(tuple(waiting))
            waiting = []
    if waiting:
        yield Group(tuple(waiting))


def _readable(instance: Instance) -> bool:
    """Whether every piece lies there in full: found out before half of it is on the wire."""
    try:
        for piece in instance.pieces:
            if isinstance(piece, FileSlice):
                with piece.path.open("rb") as file:
                    if file.seek(0, 2) < piece.start + piece.length:
                        return False
    except OSError:
        return False
    return True


def _unreadable(instance: Instance) -> StoreOutcome:
    return StoreOutcome(
        instance.sop_instance_uid,
        stored=False,
        reason="UnreadableFile",
        message="an instance to be sent cannot be read from the spool",
    )


def _opening(boundary: str) -> bytes:
    return f"\r\n--{boundary}\r\n".encode("ascii")


def _closing(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode("ascii")
