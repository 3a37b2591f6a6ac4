"""What a peer sends, put together from fragments: commands and identifiers in memory, instances straight into files."""

from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from adit.connectors.dimse.association import Message
from adit.connectors.dimse.failures import too_large
from adit.dimse import commands
from adit.dimse.association import MAX_INSTANCE_BYTES
from adit.dimse.commands import Command, Element, Field

MAX_IDENTIFIER = 8 << 20
_COMMAND, _LAST = 1, 2


class Incoming:
    """The message that is arriving; instances are taken only while `spool` names a directory for them."""

    def __init__(self, peer: str, max_instance_bytes: int = MAX_INSTANCE_BYTES) -> None:
        self._peer = peer
        self._max_instance_bytes = max_instance_bytes
        self._written = 0
        self.spool: Path | None = None
        self._encoded_command = bytearray()
        self._command: Command | None = None
        self._data = bytearray()
        self._file: IO[bytes] | None = None

    def take(self, context_id: int, value: bytes) -> Message | None:
        """Take one presentation data value (PS3.8 Annex E); the message, once it is complete.

        Raises ValueError for what no conforming peer sends, PermanentError for an instance without end, and OSError
        where one cannot be written.
        """
        if not value:
            raise ValueError("an empty fragment")
        header, content = value[0], memoryview(value)[1:]
        if header & _COMMAND:
            self._encoded_command += content
            if len(self._encoded_command) > commands.MAX_LENGTH:
                raise ValueError("a command set is too long")
            return self._begin(context_id) if header & _LAST else None
        if self._command is None:
            raise ValueError("a data set without a command set")
        if self._file is not None:
            self._written += len(content)
            if self._written > self._max_instance_bytes:
                raise too_large(self._peer)
            self._file.write(content)
        elif len(self._data) + len(content) > MAX_IDENTIFIER:
            raise ValueError("an identifier is too long")
        else:
            self._data += content
        return self._complete(context_id) if header & _LAST else None

    def discard(self) -> None:
        """Remove an unfinished file."""
        if self._file is not None:
            with suppress(OSError):  # the disk is full, which is why it is dropped
                self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None

    def _begin(self, context_id: int) -> Message | None:
        self._command = commands.decode(bytes(self._encoded_command))
        self._encoded_command.clear()
        if commands.number(self._command, Element.COMMAND_FIELD) == Field.C_STORE_RQ:
            if self.spool is None:
                raise ValueError("an instance that nobody asked for")
            if not commands.has_data_set(self._command):
                raise ValueError("an instance without a data set")
            self._written = 0
            # The file's name is ours: a UID from the wire never becomes a path.
            self._file = NamedTemporaryFile(  # noqa: SIM115 - closed when the last fragment is in, or by discard()
                dir=self.spool, prefix="received-", suffix=".dataset", delete=False
            )
        return None if commands.has_data_set(self._command) else self._complete(context_id)

    def _complete(self, context_id: int) -> Message:
        assert self._command is not None
        path = None
        if self._file is not None:
            self._file.close()
            path, self._file = Path(self._file.name), None
        message = Message(context_id, self._command, bytes(self._data), path)
        self._command = None
        self._data.clear()
        return message
