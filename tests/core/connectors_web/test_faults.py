"""What a connector says of servers that are down, refuse, talk nonsense or give up half way."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adit.connectors.web import DicomWebConnector
from adit.errors import AccessDenied, AditError, PeerUnavailable, PermanentError, RetryableError
from adit.query import Level, Query, Selection
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.odd_files import odd_files
from adit.testing.programs import free_port
from adit.transfer.instance import Instance
from adit.transfer.part10 import open_part10
from adit.transfer.placement import Placement

Open = Callable[..., DicomWebConnector]
Scripted = Callable[..., HttpPeer]
STUDY = Selection("P1", "1.2.3")
PLACEMENT = Placement("job")
JSON = {"Content-Type": "application/dicom+json"}
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def instances(tmp_path: Path) -> list[Instance]:
    return [open_part10(path) for path in list(odd_files(tmp_path / "odd").values())[:4]]


def find(web: DicomWebConnector, **query: Any) -> list[str]:
    return [str(answer.StudyInstanceUID) for answer in web.find(Query(Level.STUDY, **query))]


# nobody there --------------------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_unavailable(opened: Open, spool: Path, instances: list[Instance]) -> None:
    port = free_port()
    web = opened(f"http://127.0.0.1:{port}/dicom-web")
    for attempt in (
        web.echo,
        lambda: find(web),
        lambda: list(web.fetch(STUDY, spool)),
        lambda: list(web.store(instances, PLACEMENT)),
    ):
        with pytest.raises(PeerUnavailable) as caught:
            attempt()
        assert caught.value.message == (
            f"pacs: cannot connect to http://127.0.0.1:{port}/dicom-web: connection refused"
        )


def test_an_unknown_host_is_unavailable(opened: Open) -> None:
    with pytest.raises(PeerUnavailable, match=r"cannot connect to http://pacs\.invalid"):
        opened("http://pacs.invalid/dicom-web").echo()


def test_something_that_is_no_http_server_is_retried_with_a_hint(opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(RetryableError) as caught:
            opened(f"http://127.0.0.1:{port}").echo()
        thread.join()
    assert caught.value.reason == "ConnectionLost"
    assert "does not lead to an HTTP server" in caught.value.message


def test_a_silent_server_is_given_up_after_the_time_out(opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web = opened(f"http://127.0.0.1:{listener.getsockname()[1]}", responseTimeoutSeconds=1)
        with pytest.raises(RetryableError, match=r"1 s \(dicomweb\.responseTimeoutSeconds\)") as caught:
            web.echo()
    assert caught.value.reason == "PeerTimeout"


def test_a_certificate_of_an_unknown_authority_is_not_accepted(opened: Open, tls_port: int, spool: Path) -> None:
    web = opened(f"https://localhost:{tls_port}/dicom-web", "Basic c2VjcmV0")
    with pytest.raises(PermanentError, match="is not trusted") as caught:
        list(web.fetch(STUDY, spool))
    assert caught.value.reason == "TlsNotTrusted"


def test_abort_wakes_whoever_waits(opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        web = opened(f"http://127.0.0.1:{listener.getsockname()[1]}", responseTimeoutSeconds=60)

        def abort() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                web.abort()

        thread = threading.Thread(target=abort)
        thread.start()
        with pytest.raises(RetryableError) as caught:
            web.echo()
        thread.join()
        assert caught.value.reason == "Aborted"
        with pytest.raises(RetryableError, match="aborted"):
            web.echo()


# refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, AccessDenied, "refused our credentials (HTTP 401 Unauthorized)"),
        (403, AccessDenied, "refused our credentials (HTTP 403 Forbidden)"),
        (404, PermanentError, "correct dicomweb.url or dicomweb.qidoPrefix"),
        (400, PermanentError, "refused the request (HTTP 400 Bad Request)"),
        (408, RetryableError, "cannot answer now (HTTP 408 Request Timeout)"),
        (429, RetryableError, "asks to come again after 30 s"),
        (500, RetryableError, "cannot answer now (HTTP 500 Internal Server Error)"),
        (502, RetryableError, "cannot answer now (HTTP 502 Bad Gateway)"),
        (503, RetryableError, "asks to come again after 30 s"),
        (504, RetryableError, "cannot answer now (HTTP 504 Gateway Timeout)"),
        (599, PermanentError, "(HTTP 599)"),
    ],
)
def test_each_status_of_a_search_has_one_meaning(
    opened: Open, scripted: Scripted, status: int, kind: type[AditError], words: str
) -> None:
    peer = scripted(Response("GET", "/studies", status, {"Retry-After": "30"}, (b"PatientName is Sample",)))
    with pytest.raises(kind) as caught:
        find(opened(peer.url), patient_name="Sample")
    assert words in caught.value.message
    assert "Sample" not in caught.value.message


@pytest.mark.parametrize("value", ["", "Basic a\r\nX-Evil: 1", "Bearer Ümlaut"])
def test_a_secret_that_is_no_header_value_is_refused(opened: Open, value: str) -> None:
    with pytest.raises(PermanentError, match="not a header value") as caught:
        opened("http://127.0.0.1", value)
    assert value not in caught.value.message or not value


# nonsense ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (HTML, b"<html>Log in</html>"),
        ({}, b"[]"),
        (JSON, b"<html>Log in</html>"),
        (JSON, b'["no data set"]'),
        (JSON, b"17"),
        (JSON, b"[" * 100_000),
        (JSON, b""),
    ],
)
def test_an_answer_that_is_not_dicom_json_says_so(
    opened: Open, scripted: Scripted, headers: dict[str, str], body: bytes
) -> None:
    peer = scripted(Response("GET", "/studies", 200, headers, (body,)))
    with pytest.raises(PermanentError, match="this URL does not speak DICOMweb") as caught:
        find(opened(peer.url))
    assert caught.value.reason == "NotDicomWeb"


def test_an_answer_without_end_is_cut_off(opened: Open, scripted: Scripted) -> None:
    peer = scripted(Response("GET", "/studies", 200, JSON, (b" " * (1 << 20),) * 66))
    with pytest.raises(PermanentError, match="exceeds 64 MiB"):
        find(opened(peer.url))


@pytest.mark.parametrize(
    "row", [{}, {"0020000D": 7}, {"0020000D": {"vr": "UI", "Value": [None]}}, {"x": {"vr": "IS", "Value": ["one"]}}]
)
def test_a_sloppy_answer_is_survived(opened: Open, scripted: Scripted, row: dict[str, Any]) -> None:
    body = json.dumps([row]).encode()
    peer = scripted(Response("GET", "/studies.*offset", 204), Response("GET", "/studies", 200, JSON, (body,)))
    assert len(list(opened(peer.url).find(Query(Level.STUDY, patient_name="Sample")))) == 1


# cut searches --------------------------------------------------------------------------------------------------------


def page(*numbers: int) -> tuple[bytes]:
    return (json.dumps([{"0020000D": {"vr": "UI", "Value": [f"1.2.{number}"]}} for number in numbers]).encode(),)


def test_every_page_of_a_cut_answer_is_asked_for(opened: Open, scripted: Scripted) -> None:
    cut = {**JSON, "Warning": '299 pacs "There are 3 additional results that can be requested"'}
    peer = scripted(
        Response("GET", "/studies.*offset=5", 204),
        Response("GET", "/studies.*offset=4", 200, JSON, page(5)),
        Response("GET", "/studies.*offset=2", 200, cut, page(3, 4)),
        Response("GET", "/studies", 200, cut, page(1, 2)),
    )
    assert find(opened(peer.url)) == ["1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.5"]


def test_a_cut_answer_that_cannot_be_continued_is_an_error(opened: Open, scripted: Scripted) -> None:
    peer = scripted(Response("GET", "/studies", 200, {**JSON, "Warning": '299 pacs "more"'}, page(1, 2)))
    with pytest.raises(PermanentError, match="cut its answer") as caught:
        find(opened(peer.url))
    assert caught.value.reason == "AnswerCut"


def test_a_server_that_ignores_paging_is_read_once(opened: Open, scripted: Scripted) -> None:
    peer = scripted(Response("GET", "/studies", 200, JSON, page(1, 2)))
    assert find(opened(peer.url)) == ["1.2.1", "1.2.2"]
    assert len(peer.requests) == 2


def test_a_page_that_is_too_large_for_the_server_is_asked_for_smaller(opened: Open, scripted: Scripted) -> None:
    peer = scripted(
        Response("GET", "/studies.*limit=1000", 400),
        Response("GET", "/studies.*offset", 204),
        Response("GET", "/studies.*limit=200", 200, JSON, page(1)),
    )
    assert find(opened(peer.url)) == ["1.2.1"]


def test_a_small_search_asks_for_a_small_page_and_no_more_than_it_needs(opened: Open, scripted: Scripted) -> None:
    peer = scripted(Response("GET", "/studies", 200, JSON, page(1, 2, 3)))
    assert find(opened(peer.url), limit=2) == ["1.2.1", "1.2.2"]
    [request] = peer.requests
    assert "limit=50" in request.path


def test_one_study_needs_one_request(opened: Open, scripted: Scripted) -> None:
    peer = scripted(Response("GET", "/studies", 200, JSON, page(1)))
    assert find(opened(peer.url), study_instance_uid="1.2.1") == ["1.2.1"]
    assert len(peer.requests) == 1


def test_a_study_that_a_server_answers_with_404_has_no_series(opened: Open, scripted: Scripted) -> None:
    peer = scripted(Response("GET", "/studies/1.2.9/series", 404), Response("GET", r"/studies\?", 200, JSON, page(1)))
    assert list(opened(peer.url).find(Query(Level.SERIES, study_instance_uid="1.2.9"))) == []


def test_a_wrong_root_is_not_taken_for_a_study_without_series(opened: Open, scripted: Scripted) -> None:
    with pytest.raises(PermanentError, match="qidoPrefix"):
        list(opened(scripted().url).find(Query(Level.SERIES, study_instance_uid="1.2.9")))
