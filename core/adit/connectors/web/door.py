"""The one HTTP connection of a connector: every request passes here, and every failure is translated here, once.

QIDO-RS, WADO-RS and STOW-RS share it, so that never more than one connection is open.
"""

import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from adit.api.dicom_server import DicomWeb
from adit.connectors.pace import AT_WILL, Pace
from adit.connectors.web.refusals import connection_lost, not_dicomweb, unreachable
from adit.errors import BadInput, PermanentError, RetryableError

# They log URLs, whose queries are patient data.
for _logger in ("httpx", "httpcore", "dicomweb_client"):
    logging.getLogger(_logger).setLevel(logging.ERROR)

USER_AGENT = "adit-kubernetes"
Service = Literal["qido", "wado", "stow"]


class Door:
    """Sends requests to one DICOMweb server; used by one thread, except for `abort`."""

    def __init__(self, name: str, spec: DicomWeb, authorization: str | None, pace: Pace = AT_WILL) -> None:
        self.name = name
        self._pace = pace
        self.spec = spec
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if authorization is not None:
            headers["Authorization"] = _header_value(name, authorization)
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._aborted = False
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(spec.response_timeout_seconds, connect=spec.connect_timeout_seconds),
            verify=_trust(spec.url),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            follow_redirects=False,  # the credential is meant for this host alone
            trust_env=False,  # a proxy or .netrc of the surroundings would get the credential, or replace it
        )

    def root(self, service: Service) -> str:
        """The URL that the resources of a service lie under, without a slash at its end."""
        prefix: str = getattr(self.spec, f"{service}_prefix").strip("/")
        return "/".join(filter(None, (self.spec.url.rstrip("/"), prefix)))

    @contextmanager
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: Iterator[bytes] | None = None,
    ) -> Iterator[httpx.Response]:
        """Send one request; its body is read in the block; whatever httpx raises there becomes one of our errors."""
        self._pace.turn()
        with self._translated():
            if self._aborted:
                raise RetryableError(f"{self.name}: aborted", reason="Aborted")
            extensions = {"trace": self._trace}
            with self._client.stream(
                method, url, headers=dict(headers), content=content, extensions=extensions
            ) as response:
                yield response

    def abort(self) -> None:
        """Shut the socket, so that whoever waits on it wakes up with an error; no further request is sent."""
        self._aborted = True
        with self._lock:
            for connection in self._sockets:
                _shut(connection)

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._client.close()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore at each step; keeps hold of the open socket, and the pace from what is sent."""
        if event == "http11.send_request_headers.started":
            self._pace.began()
        if event not in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            return
        with self._lock:
            self._sockets = [info["return_value"].get_extra_info("socket")]
            if self._aborted:
                _shut(self._sockets[0])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            if self._aborted:
                raise RetryableError(f"{self.name}: aborted", reason="Aborted") from None
            raise self._translate(error) from None  # its text may hold the URL, and the URL patient data
        except (httpx.InvalidURL, httpx.StreamError) as error:
            raise PermanentError(
                f"{self.name}: cannot send a request to dicomweb.url ({type(error).__name__})"
            ) from None

    def _translate(self, error: httpx.HTTPError) -> Exception:
        match error:
            case httpx.ConnectError() if certificate := _certificate_error(error):
                return PermanentError(
                    f"{self.name}: the certificate of {place(self.spec.url)} is not trusted ({certificate}); "
                    "add its authority to the trusted ones (SSL_CERT_FILE), or correct dicomweb.url",
                    reason="TlsNotTrusted",
                )
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return unreachable(self.name, place(self.spec.url), _cause(error))
            case httpx.UnsupportedProtocol():
                return BadInput(f"{self.name}: dicomweb.url is not an http or https URL")
            case httpx.TimeoutException():
                seconds = self.spec.response_timeout_seconds
                return connection_lost(
                    self.name, f"nothing came for {seconds} s (dicomweb.responseTimeoutSeconds)", reason="PeerTimeout"
                )
            case httpx.DecodingError():
                return not_dicomweb(self.name, place(self.spec.url), "an answer in a broken content encoding")
        return connection_lost(
            self.name,
            f"{place(self.spec.url)} ended the connection without a whole answer; where it always does, "
            "dicomweb.url does not lead to an HTTP server",
        )


def place(url: str) -> str:
    """Scheme, host, port and path of a URL: what a person needs to find it, without the query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _trust(url: str) -> ssl.SSLContext:
    """The system's authorities (or those of SSL_CERT_FILE); none are loaded where there is no TLS to check."""
    if urlsplit(url).scheme.lower() == "https":
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _header_value(name: str, authorization: str) -> str:
    value = authorization.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise BadInput(
            f"{name}: the Secret of dicomweb.authorization is not a header value such as 'Basic dXNlcjpwYXNz' "
            "(one line of printable ASCII)"
        )
    return value


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _certificate_error(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
    return ""


def _cause(error: BaseException) -> str:
    """What the operating system said: connection refused, name not known, timed out."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or 'no TLS there'}"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return "timed out"


def _shut(connection: socket.socket) -> None:
    try:
        # The plain socket's own method: that of a TLS socket would take its cipher away from the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # already gone
