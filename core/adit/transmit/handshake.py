"""Both sides of the file transmit prove that they have the key, before anything else is said or taken.

Each proof is an HMAC over both nonces and the role of who proves, so that none can be replayed or sent back.
"""

import hmac
import secrets
from hashlib import sha256

from adit.dimse.errors import ProtocolViolation
from adit.dimse.wire import Wire
from adit.errors import AccessDenied
from adit.transmit.frames import MAX_STRANGERS_HEADER, VERSION, Header, Kind, encode, number, read, text

NONCE_BYTES = 32
_HEX = 2 * NONCE_BYTES
OTHER_KEY = (
    "the receiver and whoever waits have different keys: both must be given the same Secret; restart whichever started "
    "before it was changed"
)


class OtherKey(AccessDenied):
    """The other side does not have our key."""

    default_reason = "ReceiverKeyDiffers"


def proof(key: bytes, role: str, receiver_nonce: str, runner_nonce: str) -> str:
    """What only who has the key can say, for this connection and this role alone."""
    message = f"adit-transmit/{VERSION}/{role}/{receiver_nonce}/{runner_nonce}".encode()
    return hmac.new(key, message, sha256).hexdigest()


def let_in(wire: Wire, key: bytes) -> None:
    """The receiver's side. Raises OtherKey once the other side was told, ProtocolViolation."""
    ours = secrets.token_hex(NONCE_BYTES)
    wire.send([encode(Kind.HELLO, {"version": VERSION, "nonce": ours})])
    header = _expect(wire, Kind.PROOF)
    theirs = text(header, "nonce", _HEX)
    if not hmac.compare_digest(text(header, "proof", 64), proof(key, "runner", ours, theirs)):
        wire.send([encode(Kind.REFUSED, {"reason": OtherKey.default_reason, "message": OTHER_KEY})])
        raise OtherKey(OTHER_KEY)
    wire.send([encode(Kind.PROOF, {"nonce": ours, "proof": proof(key, "receiver", ours, theirs)})])


def enter(wire: Wire, key: bytes) -> None:
    """The runner's side. Raises OtherKey, ProtocolViolation."""
    hello = _expect(wire, Kind.HELLO)
    if number(hello, "version", 0xFFFF) != VERSION:
        raise ProtocolViolation(
            f"it speaks version {hello['version']} of the file transmit, and we speak {VERSION}: run the same release"
        )
    theirs, ours = text(hello, "nonce", _HEX), secrets.token_hex(NONCE_BYTES)
    wire.send([encode(Kind.PROOF, {"nonce": ours, "proof": proof(key, "runner", theirs, ours)})])
    kind, header = read(wire, MAX_STRANGERS_HEADER)
    if kind is Kind.REFUSED:
        raise OtherKey(OTHER_KEY)
    if kind is not Kind.PROOF or not hmac.compare_digest(
        text(header, "proof", 64), proof(key, "receiver", theirs, ours)
    ):
        raise OtherKey(OTHER_KEY)


def _expect(wire: Wire, wanted: Kind) -> Header:
    kind, header = read(wire, MAX_STRANGERS_HEADER)
    if kind is not wanted:
        raise ProtocolViolation(f"{kind.name} where {wanted.name} is due")
    return header
