"""One instance that a peer sends us: into a file, whatever the peer says and the disk does."""

from adit.dimse.storage import CANNOT_UNDERSTAND, OUT_OF_RESOURCES
from adit_cli.data_path.outcome import Outcome, State
from adit_cli.data_path.statuses import SUCCESS, printable
from adit_cli.data_path.store_folder import StoredFile, StoreFolder

LONGEST_NAME = 64


class Arriving:
    """A sink that never raises: what goes wrong becomes the status (PS3.4 Table B.2-1), and the rest is let pass by."""

    def __init__(self, folder: StoreFolder, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> None:
        self._name = printable(sop_instance_uid)[:LONGEST_NAME] or "an instance without a UID"
        self._file: StoredFile | None = None
        self._status, self._words = SUCCESS, ""
        try:
            self._file = folder.begin(sop_class_uid, sop_instance_uid, transfer_syntax)
        except ValueError as error:
            self._status, self._words = CANNOT_UNDERSTAND, str(error)
        except OSError as error:
            self._fail(error)

    def write(self, fragment: memoryview, /) -> None:
        """The next bytes of the data set."""
        if self._file is not None:
            try:
                self._file.write(fragment)
            except OSError as error:
                self._fail(error)

    def complete(self) -> tuple[int, Outcome]:
        """All of it is there: the status to answer with, and what became of it."""
        if self._file is not None:
            try:
                path = self._file.keep()
            except OSError as error:
                self._fail(error)
            else:
                return SUCCESS, Outcome(self._name, State.DONE, self._file.bytes, path.name)
        return self._status, Outcome(self._name, State.FAILED, words=f"not kept: {self._words}")

    def discard(self) -> Outcome:
        """The association ended within it: nothing of it counts."""
        if self._file is not None:
            self._file.discard()
        return Outcome(self._name, State.FAILED, words="not kept: the association ended within it")

    def _fail(self, error: OSError) -> None:
        self._status, self._words = OUT_OF_RESOURCES, (error.strerror or str(error)).lower()
        if self._file is not None:
            self._file.discard()
            self._file = None
