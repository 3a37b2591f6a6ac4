"""Where an instance that a peer sends us goes: a file of the spool, written fragment by fragment as it arrives."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from adit.connectors.dimse.failures import spool_failure


class SpoolFile:
    """A sink of adit.dimse, which ends an instance that has no end; raises our errors for what cannot be written."""

    def __init__(self, spool: Path, peer: str) -> None:
        self._peer = peer
        try:
            # The file's name is ours: a UID from the wire never becomes a path.
            self._descriptor, name = mkstemp(dir=spool, prefix="received-", suffix=".dataset")
        except OSError as error:
            raise spool_failure(peer, error) from error
        self.path = Path(name)
        self._open = True

    def write(self, fragment: memoryview, /) -> None:
        """Append a fragment."""
        try:
            while fragment:
                fragment = fragment[os.write(self._descriptor, fragment) :]
        except OSError as error:
            raise spool_failure(self._peer, error) from error

    def close(self) -> None:
        """Complete the file; raises where the file system says only now that it has no room."""
        if self._open:
            self._open = False
            try:
                os.close(self._descriptor)
            except OSError as error:
                raise spool_failure(self._peer, error) from error

    def discard(self) -> None:
        """Remove the file, complete or not."""
        if self._open:
            self._open = False
            with suppress(OSError):  # the disk is full, which is why it is dropped
                os.close(self._descriptor)
        self.path.unlink(missing_ok=True)
