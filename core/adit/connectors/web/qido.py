"""QIDO-RS (PS3.18 §10.6): dicomweb-client speaks it, through a transport that sends what it asks by our own door."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from dicomweb_client.web import DICOMwebClient
from pydicom import Dataset
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from adit.connectors.web.answers import dataset_of
from adit.connectors.web.door import Door, place
from adit.connectors.web.refusals import not_dicomweb, refusal
from adit.connectors.web.search import Search, wire_query
from adit.errors import PermanentError
from adit.query import Level

MAX_ANSWER_BYTES = 64 << 20
MAX_ROWS = 1_000_000
# Some servers refuse a larger page than 200 (Azure); most gain from larger ones.
PAGE_SIZES = (1000, 200)
SMALLEST_PAGE = 50
_JSON_TYPES = ("application/dicom+json", "application/json")

Row = dict[str, Any]


class Qido:
    """Searches one server, page by page."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._transport = _Transport(door)
        self._sizes: tuple[int, ...] = PAGE_SIZES
        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._transport)
        self._client = DICOMwebClient(
            door.spec.url.rstrip("/"),
            session=session,
            qido_url_prefix=door.spec.qido_prefix.strip("/") or None,
            permissive_uid=True,
        )
        self._client.set_http_retry_params(retry=False)

    def one_row(self) -> None:
        """Ask for a single study, and look only at whether the server speaks DICOMweb."""
        self._page(Search(Level.STUDY, None, None, {}, single=True), limit=1, offset=0)

    def answers(self, search: Search, enough: int | None = None) -> Iterator[Dataset]:
        """Every answer once, however many pages the server cuts them into; `enough` are likely to be wanted.

        Raises PermanentError where the server says that there is more and yet does not give it.
        """
        found = False
        for row in self._rows(search, enough):
            found = True
            yield dataset_of(row)
        if not found and (loosened := search.loosened()) is not None:
            yield from map(dataset_of, self._rows(loosened, enough))

    def _rows(self, search: Search, enough: int | None) -> Iterator[Row]:
        seen: set[str] = set()
        offset = 0
        while page := self._next_page(search, offset, enough or self._sizes[0]):
            known = len(seen)
            for row in page:
                if (key := search.key(row)) not in seen:
                    seen.add(key)
                    yield row
            if len(seen) > MAX_ROWS:
                raise PermanentError(f"{self._door.name}: more than {MAX_ROWS} answers; narrow the search")
            if search.single:
                return
            if len(seen) == known:
                self._require_whole()
                return
            # A short page proves nothing: the server's own limit may be smaller than ours. Only an empty one does.
            offset += len(page)

    def _require_whole(self) -> None:
        if self._transport.more:
            raise PermanentError(
                f"{self._door.name}: cut its answer and gives the same part again when asked for the rest; "
                "narrow the search, or raise the server's limit of search results",
                reason="AnswerCut",
            )

    def _next_page(self, search: Search, offset: int, enough: int) -> list[Row]:
        """A page of the size that the server takes; a refused size is not tried again."""
        while True:
            size = min(self._sizes[0], max(enough, SMALLEST_PAGE))  # some rows of it may not match
            try:
                return self._page(search, size, offset)
            except PermanentError as error:
                if error.reason != "Refused" or len(self._sizes) == 1:
                    raise
                self._sizes = self._sizes[1:]

    def _page(self, search: Search, limit: int, offset: int) -> list[Row]:
        options: dict[str, Any] = {
            "limit": limit,
            "offset": offset or None,
            "fields": search.fields,
            "search_filters": dict(search.filters),
        }
        self._transport.more = False
        try:
            match search.level:
                case Level.PATIENT | Level.STUDY:
                    rows = self._client.search_for_studies(**options)
                case Level.SERIES:
                    rows = self._client.search_for_series(search.study_uid, **options)
                case Level.IMAGE:
                    rows = self._client.search_for_instances(search.study_uid, search.series_uid, **options)
        except requests.HTTPError as error:
            if error.response is None:
                raise self._not_dicomweb("no HTTP answer") from None
            if error.response.status_code in (404, 410) and search.study_uid is not None:
                self.one_row()  # the study is unknown there, or the URL is wrong: then this says so
                return []
            raise self._refusal(error.response) from None
        except (requests.RequestException, ValueError, RecursionError):
            raise self._not_dicomweb("something that is not JSON") from None
        return self._checked(rows)

    def _checked(self, rows: object) -> list[Row]:
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        raise self._not_dicomweb("JSON that is no list of DICOM data sets")

    def _refusal(self, response: requests.Response) -> Exception:
        return refusal(
            self._door.name,
            response.status_code,
            response.headers,
            place=place(self._door.root("qido")),
            field="dicomweb.url or dicomweb.qidoPrefix",
        )

    def _not_dicomweb(self, got: str) -> PermanentError:
        return not_dicomweb(self._door.name, place(self._door.root("qido")), got)


class _Transport(BaseAdapter):
    """Carries the requests of dicomweb-client; `more` says whether the last answer was cut (Warning 299)."""

    def __init__(self, door: Door) -> None:
        super().__init__()
        self._door = door
        self.more = False

    def send(  # noqa: PLR0917 - the signature is of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002, ARG002 - as above
        timeout: object = None,  # noqa: ARG002 - the door's own holds
        verify: object = True,  # noqa: FBT002, ARG002 - the door's own holds
        cert: object = None,  # noqa: ARG002 - as above
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - as above
    ) -> requests.Response:
        """Send it through the door, and read the whole answer, which has a limit."""
        parts = urlsplit(request.url or "")
        url = urlunsplit(parts._replace(query=wire_query(str(parts.query))))
        headers = {"Accept": "application/dicom+json, application/json"}
        answer = requests.Response()
        answer.request, answer.url = request, place(url)  # its error text holds the URL
        with self._door.request("GET", url, headers) as response:
            answer.status_code = response.status_code
            answer.headers = CaseInsensitiveDict(response.headers)
            if response.is_success:
                answer._content = self._body(response)  # noqa: SLF001 - how its adapters fill it
        self.more = any(value.strip().startswith("299") for value in response.headers.get_list("warning"))
        answer.headers.pop("warning", None)  # dicomweb-client would log it
        return answer

    def close(self) -> None:
        """The door is closed by whoever opened it."""

    def _body(self, response: Any) -> bytes:
        where = place(self._door.root("qido"))
        if response.status_code == 204:  # noqa: PLR2004 - No Content: the empty answer of older servers
            return b""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _JSON_TYPES:
            raise not_dicomweb(self._door.name, where, f"{kind[:80] or 'no media type'} instead of DICOM JSON")
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise PermanentError(
                    f"{self._door.name}: an answer of {where} exceeds {MAX_ANSWER_BYTES >> 20} MiB; narrow the search",
                    reason="AnswerTooLarge",
                )
        if not body:
            raise not_dicomweb(self._door.name, where, "an empty body instead of DICOM JSON")
        return bytes(body)
