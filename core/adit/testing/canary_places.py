"""Where canaries are put: data sets of which each has all of them in one kind of place, in any uncompressed syntax."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from adit.testing.canary import SOP_INSTANCE_UID, Canary, attributes, canary, unlisted
from adit.testing.elements import DEFLATED_LITTLE, IMPLICIT_LITTLE
from adit.testing.encoder import IMPLICIT, Encoder, in_order
from adit.testing.patients import uid
from adit.transfer.instance import FileSlice, Instance

CT_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
PATIENT_COMMENTS, DIGITAL_SIGNATURES, TRAILING_PADDING = 0x00104000, 0xFFFAFFFA, 0xFFFCFFFC
REFERENCED_IMAGES, REFERENCED_SOPS = 0x00081140, 0x00081199  # the table lists the first, and leaves its items
PER_FRAME_GROUPS, FRAME_CONTENT = 0x52009230, 0x00209111  # the table lists neither
CONTENT: Final = 0x0040A730  # the table has it replaced
CREATOR: Final = b"ADIT CANARY"
NOBODYS: Final = ((0x00089FF1, "LO"), (0x00289FF1, "UI"))  # of public groups, in no edition of the dictionary
PRIVATE_VRS: Final = ("AE", "CS", "DA", "DS", "DT", "FD", "IS", "LO", "LT", "OB", "PN", "SH", "ST", "TM", "UC", "UI")

Elements = dict[int, bytes]


@dataclass(slots=True)
class Cage:
    """Writes canaries in one syntax and remembers them; `first` numbers them apart from those of other places."""

    encoder: Encoder
    first: int
    several: bool = False
    canaries: list[Canary] = field(default_factory=list)

    def element(self, tag: int, vr: str, *, encoder: Encoder | None = None, as_unknown: bool = False) -> bytes:
        """A new canary, encoded; in a sequence it is one item with comments of its own."""
        to = encoder or self.encoder
        if vr == "SQ":
            comments = self._caught(tag, "LT").value
            item = (IMPLICIT if as_unknown else to).element(PATIENT_COMMENTS, "LT", comments)
            return to.sequence_as_unknown(tag, item) if as_unknown else to.sequence(tag, item)
        one = self._caught(tag, vr)
        return to.element(tag, "UN" if as_unknown else vr, one.value)

    def _caught(self, tag: int, vr: str) -> Canary:
        one = canary(tag, vr, self.first + len(self.canaries), several=self.several)
        self.canaries.append(one)
        return one

    def listed(self, *, encoder: Encoder | None = None, as_unknown: bool = False) -> Elements:
        """Every attribute of the table."""
        made: Elements = {}
        for one in attributes():
            unknown = as_unknown and one.tag != SOP_INSTANCE_UID  # which an instance is told by
            made[one.tag] = self.element(one.tag, one.vr, encoder=encoder, as_unknown=unknown)
        return made

    def private(self, group: int) -> Elements:
        """A block of each VR, a sequence with all attributes, and one that no creator answers for."""
        block: Elements = {group << 16 | 0x0010: self.encoder.element(group << 16 | 0x10, "LO", CREATOR)}
        for number, vr in enumerate(PRIVATE_VRS):
            block[group << 16 | 0x1001 + number] = self.element(group << 16 | 0x1001 + number, vr)
        block[group << 16 | 0x1080] = self.encoder.sequence(group << 16 | 0x1080, in_order(self.listed().items()))
        block[group << 16 | 0x2001] = self.element(group << 16 | 0x2001, "LO")
        return block


Place = Callable[[Cage], Elements]


def at_top_level(cage: Cage) -> Elements:
    return cage.listed()


def two_deep_in_a_listed_sequence(cage: Cage) -> Elements:
    return _two_deep(cage, REFERENCED_IMAGES, REFERENCED_SOPS, cage.listed())


def two_deep_in_an_unlisted_sequence(cage: Cage) -> Elements:
    return _two_deep(cage, PER_FRAME_GROUPS, FRAME_CONTENT, cage.listed(), undefined=True)


def in_a_replaced_sequence(cage: Cage) -> Elements:
    return _two_deep(cage, CONTENT, CONTENT, cage.listed())


def of_unknown_vr(cage: Cage) -> Elements:
    return cage.listed(as_unknown=True)


def in_a_sequence_of_unknown_vr(cage: Cage) -> Elements:
    return {PER_FRAME_GROUPS: cage.encoder.sequence_as_unknown(PER_FRAME_GROUPS, *_hidden(cage))}


def in_a_sequence_of_unknown_vr_and_length(cage: Cage) -> Elements:
    return {PER_FRAME_GROUPS: cage.encoder.sequence_as_unknown(PER_FRAME_GROUPS, *_hidden(cage), undefined=True)}


def private(cage: Cage) -> Elements:
    return {**cage.private(0x0009), **cage.private(0x0029)}


def private_in_sequences(cage: Cage) -> Elements:
    return _two_deep(cage, PER_FRAME_GROUPS, FRAME_CONTENT, cage.private(0x0021))


def behind_the_pixel_data(cage: Cage) -> Elements:
    trailer = _two_deep(cage, DIGITAL_SIGNATURES, FRAME_CONTENT, cage.listed())
    return {**cage.private(0x7FE1), **trailer, TRAILING_PADDING: cage.element(TRAILING_PADDING, "OB")}


def beside_the_table(cage: Cage) -> Elements:
    return {tag: cage.element(tag, vr) for tag, vr in (*unlisted(), *NOBODYS)}


PLACES: Final[tuple[Place, ...]] = (
    at_top_level,
    two_deep_in_a_listed_sequence,
    two_deep_in_an_unlisted_sequence,
    in_a_replaced_sequence,
    of_unknown_vr,
    in_a_sequence_of_unknown_vr,
    in_a_sequence_of_unknown_vr_and_length,
    private,
    private_in_sequences,
    behind_the_pixel_data,
    beside_the_table,
)
NEEDS_EXPLICIT_VR: Final = frozenset({of_unknown_vr, in_a_sequence_of_unknown_vr})


def places(transfer_syntax_uid: str) -> Iterator[Place]:
    """Those that the syntax can express: without VRs there is no unknown one."""
    return (one for one in PLACES if transfer_syntax_uid != IMPLICIT_LITTLE or one not in NEEDS_EXPLICIT_VR)


@dataclass(frozen=True, slots=True)
class CanaryInstance:
    """An instance in a file, what it holds, and its encoded data set (inflated where the file is deflated)."""

    instance: Instance
    canaries: tuple[Canary, ...]
    data_set: bytes


def canary_instance(folder: Path, place: Place, transfer_syntax_uid: str, *, several: bool = False) -> CanaryInstance:
    """A CT that no gate holds back, with canaries in one place; written as an encoded data set without a front."""
    cage = Cage(Encoder.of(transfer_syntax_uid), 3000 * PLACES.index(place), several)
    placed = place(cage)
    name = next((one.value.decode() for one in cage.canaries if one.tag == SOP_INSTANCE_UID), "")
    if SOP_INSTANCE_UID not in placed:
        name = uid("canary", place.__name__, transfer_syntax_uid, several)
    elements = in_order([*_image(cage.encoder, name), *placed.items()])
    path = folder / f"{place.__name__}-{transfer_syntax_uid}-{several}"
    path.write_bytes(_deflated(elements) if transfer_syntax_uid == DEFLATED_LITTLE else elements)
    piece = FileSlice(path, 0, path.stat().st_size)
    return CanaryInstance(Instance(CT_IMAGE, name, transfer_syntax_uid, (piece,)), tuple(cage.canaries), elements)


def _image(to: Encoder, name: str) -> Iterable[tuple[int, bytes]]:
    texts = (
        (0x00080005, "CS", "ISO_IR 192"),
        (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        (0x00080016, "UI", CT_IMAGE),
        (SOP_INSTANCE_UID, "UI", name),
        (0x00080060, "CS", "CT"),
        (0x00100020, "LO", "SYN-CANARY"),
        (0x00280004, "CS", "MONOCHROME2"),
        (0x00280301, "CS", "NO"),
    )
    numbers = {0x00280002: 1, 0x00280010: 16, 0x00280011: 16, 0x00280100: 16, 0x00280101: 12, 0x00280102: 11}
    yield from ((tag, to.element(tag, vr, text.encode())) for tag, vr, text in texts)
    yield from ((tag, to.unsigned(tag, number)) for tag, number in {**numbers, 0x00280103: 0}.items())
    yield 0x7FE00010, to.element(0x7FE00010, "OW", bytes(range(256)) * 2)


def _two_deep(cage: Cage, outer: int, inner: int, elements: Elements, *, undefined: bool = False) -> Elements:
    to = cage.encoder
    item = to.sequence(inner, in_order(elements.items()), undefined=undefined)
    return {outer: to.sequence(outer, item, undefined=undefined)}


def _hidden(cage: Cage) -> tuple[bytes]:
    return (in_order(cage.listed(encoder=IMPLICIT).items()),)


def _deflated(data_set: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(data_set) + deflater.flush()
    return packed + bytes(len(packed) % 2)
