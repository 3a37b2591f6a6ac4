"""A look at a DICOMweb server: one search for a study that cannot exist. For `adit doctor`; no row of it is kept."""

from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.target import Target
from adit.connectors.web.door import Door, place
from adit.connectors.web.refusals import not_dicomweb, refusal
from adit.errors import BadInput

# The nil UUID as a UID (PS3.5 B.2): no study was ever given it.
NO_STUDY = "2.25.0"
MAX_ANSWER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the HTTP status, the server's Date header, and whether there were rows, which there should not be."""

    status: int
    date: str
    rows: bool


class WebSurvey:
    """Used by one thread, `abort` by any."""

    def __init__(self, target: Target) -> None:
        if not isinstance(target.spec, DicomServerSpec) or target.spec.dicomweb is None:
            raise BadInput(f"{target.name} has no spec.dicomweb")
        self._name = target.name
        self._door = Door(target.name, target.spec.dicomweb, target.authorization)

    def search(self) -> Answer:
        """QIDO-RS for a study that cannot exist. Raises what the answer means to us."""
        root = self._door.root("qido")
        query = urlencode({"StudyInstanceUID": NO_STUDY, "limit": 1})
        with self._door.request("GET", f"{root}/studies?{query}", {"Accept": "application/dicom+json"}) as response:
            date, status = response.headers.get("date", ""), response.status_code
            if status == HTTPStatus.NO_CONTENT:
                return Answer(status, date, rows=False)
            if status != HTTPStatus.OK:
                raise refusal(
                    self._name, status, response.headers, place=place(root), field="dicomweb.url and qidoPrefix"
                )
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    return Answer(status, date, rows=True)
        text = bytes(body).strip()
        if not (text.startswith(b"[") and text.endswith(b"]")) and text:
            raise not_dicomweb(self._name, place(root), "something that is no JSON list")
        return Answer(status, date, rows=text.strip(b"[] \r\n\t") != b"")

    def metadata(self) -> Answer:
        """WADO-RS for the same, where there is no QIDO-RS: a 404 is then as good an answer as any."""
        root = self._door.root("wado")
        url = f"{root}/studies/{NO_STUDY}/metadata"
        with self._door.request("GET", url, {"Accept": "application/dicom+json"}) as response:
            status = response.status_code
            if status >= HTTPStatus.BAD_REQUEST and status not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                raise refusal(
                    self._name, status, response.headers, place=place(root), field="dicomweb.url and wadoPrefix"
                )
            return Answer(status, response.headers.get("date", ""), rows=False)

    def abort(self) -> None:
        """End everything at once."""
        self._door.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.close()
