"""WADO-RS (PS3.18 §10.4): what arrives goes straight to files, as it was stored; nothing is decoded or held."""

import errno
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from adit.connectors.web.door import Door, place
from adit.connectors.web.multipart import MalformedBody, Parser, PartBegins, PartData, PartEnds, media_type
from adit.connectors.web.refusals import connection_lost, not_dicomweb, refusal
from adit.errors import AditError, BadInput, NotFound, PermanentError, RetryableError
from adit.query import Selection
from adit.transfer.instance import Instance
from adit.transfer.part10 import NotPart10, is_uid, open_part10

# `*`: as stored. Anything else would let the server transcode, and so decode (PS3.18 §8.7.3.5.2).
ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
MAX_INSTANCE_BYTES = 16 << 30
_DICOM = "application/dicom"


@dataclass(slots=True)
class _Account:
    """What went wrong with single objects while the rest arrived."""

    unreadable: int = 0
    announced: int = 0
    missing: int = 0
    received: int = 0

    def verdict(self, name: str) -> AditError | None:
        """The error that must follow what was yielded; None where everything arrived."""
        if self.missing and not self.received:
            return NotFound(f"{name}: does not have the study, or not the series or instances that were asked for")
        if self.announced or self.missing:
            return RetryableError(
                f"{name}: gave only a part of what was asked for (WADO-RS: 206, Warning 299 or objects missing)",
                reason="PartialRetrieve",
            )
        if self.unreadable:
            return PermanentError(
                f"{name}: {self.unreadable} of the objects sent are no DICOM Part-10 files with a SOP class, "
                "a SOP instance UID and a transfer syntax",
                reason="UnreadableInstance",
            )
        return None


class Wado:
    """Retrieves from one server."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        """Yield each instance once its file is complete; then raise if some did not arrive or could not be read."""
        account = _Account()
        for path in _resources(selection):
            yield from self._retrieve(f"{self._door.root('wado')}/{path}", spool, account)
        if (error := account.verdict(self._door.name)) is not None:
            raise error

    def _retrieve(self, url: str, spool: Path, account: _Account) -> Iterator[Instance]:
        with self._door.request("GET", url, {"Accept": ACCEPT}) as response:
            if response.status_code in (404, 410):
                account.missing += 1
                return
            if not response.is_success:
                raise self._refusal(response)
            boundary = self._boundary(response)
            before = account.received + account.unreadable
            yield from self._parts(response, boundary, spool, account)
            warned = any(value.strip().startswith("299") for value in response.headers.get_list("warning"))
            if response.status_code == 206 or warned:  # noqa: PLR2004 - Partial Content
                account.announced += 1
            elif account.received + account.unreadable == before:
                raise RetryableError(
                    f"{self._door.name}: answered with no object at all, and with no error", reason="NothingReceived"
                )

    def _refusal(self, response: httpx.Response) -> AditError:
        where = place(self._door.root("wado"))
        if response.status_code == 406:  # noqa: PLR2004 - Not Acceptable
            return PermanentError(
                f"{self._door.name}: {where} will not give images as they are stored (transfer-syntax=*); "
                "take Wado out of retrieveOrder",
                reason="Refused",
            )
        return refusal(
            self._door.name,
            response.status_code,
            response.headers,
            place=where,
            field="dicomweb.url or dicomweb.wadoPrefix",
        )

    def _boundary(self, response: httpx.Response) -> str | None:
        """The boundary of the body; None where the body is one object."""
        kind, parameters = media_type(response.headers.get("content-type", "")[:1000])
        if kind == "multipart/related" and parameters.get("boundary"):
            return parameters["boundary"]
        if kind == _DICOM:
            return None
        where = place(self._door.root("wado"))
        raise not_dicomweb(self._door.name, where, f"{kind[:80] or 'no media type'} instead of DICOM objects")

    def _parts(
        self, response: httpx.Response, boundary: str | None, spool: Path, account: _Account
    ) -> Iterator[Instance]:
        """Write each part to a file of its own, and yield it when it is complete."""
        writer = _Writer(self._door.name, spool, account)
        try:
            if boundary is None:
                writer.begin(_DICOM)
                for chunk in response.iter_bytes():
                    writer.write(chunk)
                yield from writer.end()
                return
            parser = Parser(boundary)
            for chunk in response.iter_bytes():
                for event in parser.feed(chunk):
                    match event:
                        case PartBegins(headers):
                            writer.begin(headers.get("content-type", _DICOM))
                        case PartData(data):
                            writer.write(data)
                        case PartEnds():
                            yield from writer.end()
            if not parser.finished:
                raise connection_lost(self._door.name, "the answer ended before its closing boundary")
        except MalformedBody as error:
            where = place(self._door.root("wado"))
            raise not_dicomweb(self._door.name, where, f"a multipart body that cannot be read ({error})") from None
        finally:
            writer.discard()


class _Writer:
    """The file that the current part goes to."""

    def __init__(self, name: str, spool: Path, account: _Account) -> None:
        self._name = name
        self._spool = spool
        self._account = account
        self._file: BinaryIO | None = None
        self._path = spool
        self._size = 0

    def begin(self, content_type: str) -> None:
        """Open a file for a DICOM part; anything else is a message of the server's that something is amiss."""
        self.discard()
        if media_type(content_type)[0] != _DICOM:
            self._account.announced += 1
            return
        self._path = self._spool / f"wado-{secrets.token_hex(12)}.dcm"
        self._size = 0
        try:
            self._file = self._path.open("xb")
        except OSError as error:
            raise self._spool_error(error) from error

    def write(self, data: bytes) -> None:
        if self._file is None:
            return
        self._size += len(data)
        if self._size > MAX_INSTANCE_BYTES:
            raise PermanentError(
                f"{self._name}: an object is larger than {MAX_INSTANCE_BYTES >> 30} GiB", reason="InstanceTooLarge"
            )
        try:
            self._file.write(data)
        except OSError as error:
            raise self._spool_error(error) from error

    def end(self) -> Iterator[Instance]:
        """Yield what the file holds, unless it is no instance."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
            instance = open_part10(self._path)
        except OSError as error:
            self._path.unlink(missing_ok=True)
            raise self._spool_error(error) from error
        except NotPart10:
            instance = None
        if instance is None or not instance.sop_class_uid or not instance.sop_instance_uid:
            self._account.unreadable += 1
            self._path.unlink(missing_ok=True)
            return
        self._account.received += 1
        yield instance

    def discard(self) -> None:
        """Remove what is not complete."""
        if self._file is not None:
            file, self._file = self._file, None
            self._path.unlink(missing_ok=True)
            file.close()

    def _spool_error(self, error: OSError) -> AditError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return RetryableError("the spool folder of this program is full; give it more room", reason="SpoolFull")
        return RetryableError(f"the spool folder cannot be written: {error.strerror}", reason="SpoolError")


def _resources(selection: Selection) -> Iterator[str]:
    """The paths of what is selected: the study, some series, or named instances of a series."""
    named = dict(selection.sop_instance_uids)
    study = f"studies/{_part(selection.study_instance_uid)}"
    series = dict.fromkeys((*selection.series_instance_uids, *named))
    if not series:
        yield study
    for uid in series:
        path = f"{study}/series/{_part(uid)}"
        if uid not in named:
            yield path
        for instance in named.get(uid, ()):
            yield f"{path}/instances/{_part(instance)}"


def _part(uid: str) -> str:
    if not is_uid(uid):
        raise BadInput("something that is not a UID was selected")
    return uid
