"""How much the spool may hold, and does: asked before anything is taken in, and while it comes."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Of a whole file; its data set alone is then shorter than what ends an association.
MAX_INSTANCE_BYTES: Final = 16 << 30
# Left free on the disk, so that what was accepted can still be linked and announced.
RESERVE_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of instances that wait for somebody, bytes of those nobody waits for, and how old these may become."""

    spool_bytes: int
    quarantine_bytes: int
    quarantine_seconds: float
    reserve_bytes: int = RESERVE_BYTES

    @property
    def instance_bytes(self) -> int:
        """The largest file that is taken in: what can be handed out, and what would ever find room."""
        return min(MAX_INSTANCE_BYTES, self.spool_bytes)


class Room:
    """Counts bytes; thread-safe."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self.limits = limits
        self._folder = folder
        self._lock = threading.Lock()
        self._spooled = self._quarantined = 0

    @property
    def spooled(self) -> int:
        return self._spooled

    @property
    def quarantined(self) -> int:
        return self._quarantined

    def full(self) -> bool:
        """Whether nothing more is to be taken in."""
        if self._spooled >= self.limits.spool_bytes:
            return True
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize < self.limits.reserve_bytes

    def spool(self, count: int) -> bool:
        """Count bytes that wait or arrive; whether there is room for them. Counted only where there is."""
        with self._lock:
            if count > 0 and self._spooled + count > self.limits.spool_bytes:
                return False
            self._spooled += count
            return True

    def quarantine(self, count: int) -> bool:
        """Count bytes of the quarantine; whether there is room for them. Counted only where there is."""
        with self._lock:
            if count > 0 and self._quarantined + count > self.limits.quarantine_bytes:
                return False
            self._quarantined += count
            return True

    def take_over(self, *, spooled: int = 0, quarantined: int = 0) -> None:
        """Count what is there already, and what goes from one to the other, whether or not there is room for it."""
        with self._lock:
            self._spooled += spooled
            self._quarantined += quarantined
