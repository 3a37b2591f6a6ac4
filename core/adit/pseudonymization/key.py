"""The project key: one secret per project, from which everything deterministic is derived; only its id is shown."""

import hashlib
import hmac
from dataclasses import dataclass, field

from adit.errors import BadInput

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """32 random bytes; never printed."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise BadInput(f"a project key has {KEY_BYTES} bytes, this one has {len(self.secret)}", reason="KeyInvalid")

    @property
    def id(self) -> str:
        """First 16 hex digits of HMAC-SHA-256(key, "id"): names the key in every record without telling it."""
        return self.derive("id").hex()[:16]

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, independent of those for another."""
        return hmac.new(self.secret, purpose.encode(), hashlib.sha256).digest()
