"""How a receiver is reached by whoever waits for images: the AE title that a source sends to, and where to listen."""

from dataclasses import dataclass, field

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ReceiverAccess:
    """`ae_title` is the Move Destination of our C-MOVE requests; every address behind `host` is one replica.

    `key` (32 bytes) proves each side to the other; it never appears in a repr, an error or a log.
    """

    ae_title: str
    host: str
    port: int
    key: bytes = field(repr=False)
