"""A seeded mutator of encoded messages: cheap enough for 10^5, which Hypothesis is not (1 ms for each)."""

import random
from collections.abc import Iterator, Sequence

INTERESTING = (
    b"",
    b"\0",
    b"\xff",
    b"\xff\xff",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\x7f\xff\xff\xff",
    b"../../etc/passwd",
)


def mutated(samples: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` of them, always the same ones for a seed: one to four changes each."""
    source = random.Random(seed)
    for _ in range(count):
        value = bytearray(source.choice(samples))
        for _ in range(source.randint(1, 4)):
            _change(value, samples, source)
        yield bytes(value)


def _change(value: bytearray, samples: Sequence[bytes], source: random.Random) -> None:
    """Flip, cut, insert, overwrite or splice at a random place."""
    at = source.randrange(len(value) + 1)
    match source.randrange(5):
        case 0 if at < len(value):
            value[at] ^= 1 << source.randrange(8)
        case 1:
            del value[at : at + source.randrange(1, 16)]
        case 2:
            value[at:at] = source.choice(INTERESTING)
        case 3:
            piece = source.choice(INTERESTING)
            value[at : at + len(piece)] = piece
        case _:
            other = source.choice(samples)
            value[at:] = other[source.randrange(len(other) + 1) :]
