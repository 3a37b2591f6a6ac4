"""What a pod's process printed: a private file of bounded size, kept until newer ones push it out."""

import logging
import os
from pathlib import Path

from adit.cluster.embedded.folder import LOGS, open_private, private_folder

# As the kubelet's containerLogMaxSize; one older part is kept beside it.
MAX_BYTES = 10 * 1024 * 1024
MAX_LOGS = 500
_SUFFIX, _OLDER = ".log", ".log.1"

_logger = logging.getLogger(__name__)


class PodLog:
    """An open log: `<data>/logs/<pod>.log`, mode 0600."""

    def __init__(self, data: Path, pod: str, max_bytes: int = MAX_BYTES) -> None:
        self._path = private_folder(data / LOGS) / f"{pod}{_SUFFIX}"
        self._max = max_bytes
        self._descriptor: int | None = open_private(self._path)
        self._size = os.lseek(self._descriptor, 0, os.SEEK_END)

    def write(self, printed: bytes) -> None:
        """Append; a disk that is full costs the rest of the log, never the work."""
        try:
            if self._size + len(printed) > self._max and self._size:
                self._turn()
            if self._descriptor is not None:
                self._size += os.write(self._descriptor, printed)
        except OSError as error:
            _logger.warning("the log %s ends here: %s", self._path, error.strerror)
            self.close()

    def close(self) -> None:
        """Write no more."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _turn(self) -> None:
        if self._descriptor is None:
            return
        self.close()
        self._path.replace(self._path.with_name(self._path.name.removesuffix(_SUFFIX) + _OLDER))
        self._descriptor = open_private(self._path)
        self._size = 0


def prune_logs(data: Path, keep: int = MAX_LOGS) -> None:
    """Remove all but the newest logs."""
    folder = data / LOGS
    if not folder.is_dir():
        return
    newest_first = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[keep:]:
        path.unlink(missing_ok=True)
        path.with_name(path.name.removesuffix(_SUFFIX) + _OLDER).unlink(missing_ok=True)
