"""What WADO-RS gives and says when a server refuses, talks nonsense or gives up half way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from adit.connectors.web import DicomWebConnector
from adit.connectors.web.wado import ACCEPT
from adit.errors import AccessDenied, AditError, NotFound, PermanentError, RetryableError
from adit.query import Selection
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.odd_files import odd_files
from adit.transfer.instance import FileSlice, Instance

Open = Callable[..., DicomWebConnector]
Scripted = Callable[..., HttpPeer]
STUDY = Selection("P1", "1.2.3")
MULTIPART = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def parts(tmp_path: Path) -> list[bytes]:
    return [
        b"--b\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n"
        for path in list(odd_files(tmp_path / "odd").values())[:3]
    ]


def fetched(web: DicomWebConnector, spool: Path, selection: Selection = STUDY) -> tuple[int, AditError]:
    """How many instances came, and the error after them."""
    came: list[Instance] = []
    with pytest.raises(AditError) as caught:
        came.extend(web.fetch(selection, spool))
    assert len(list(spool.iterdir())) == len(came)
    return len(came), caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AccessDenied), (404, NotFound), (410, NotFound), (406, PermanentError), (500, RetryableError)],
)
def test_each_status_of_a_retrieval_has_one_meaning(
    opened: Open, scripted: Scripted, spool: Path, status: int, kind: type[AditError]
) -> None:
    peer = scripted(Response("GET", "/studies", status))
    count, error = fetched(opened(peer.url), spool)
    assert (count, type(error)) == (0, kind)


def test_a_redirect_is_not_followed_and_the_credential_stays(opened: Open, scripted: Scripted, spool: Path) -> None:
    other = scripted(Response("GET", "/"))
    peer = scripted(Response("GET", "/studies", 302, {"Location": f"{other.url}/studies/1.2.3?token=x"}))
    _, error = fetched(opened(peer.url, "Bearer secret"), spool)
    assert error.reason == "Redirected"
    assert "redirects to 127.0.0.1;" in error.message
    assert other.requests == ()


def test_a_web_page_instead_of_images_says_so(opened: Open, scripted: Scripted, spool: Path) -> None:
    peer = scripted(Response("GET", "/studies", 200, HTML, (b"<html>Log in</html>",)))
    count, error = fetched(opened(peer.url), spool)
    assert (count, error.reason) == (0, "NotDicomWeb")
    assert "text/html instead of DICOM objects" in error.message


def test_what_arrived_before_the_connection_broke_is_given_first(
    opened: Open, scripted: Scripted, spool: Path, parts: list[bytes]
) -> None:
    peer = scripted(Response("GET", "/studies", 200, MULTIPART, (*parts, b"--b--"), close_after=3))
    count, error = fetched(opened(peer.url), spool)
    assert (count, type(error), error.reason) == (2, RetryableError, "ConnectionLost")


def test_a_body_without_its_closing_boundary_is_cut(
    opened: Open, scripted: Scripted, spool: Path, parts: list[bytes]
) -> None:
    peer = scripted(Response("GET", "/studies", 200, MULTIPART, tuple(parts)))
    count, error = fetched(opened(peer.url), spool)
    assert (count, type(error), error.reason) == (2, RetryableError, "ConnectionLost")


@pytest.mark.parametrize(
    ("status", "headers"), [(206, MULTIPART), (200, {**MULTIPART, "Warning": '299 pacs "some failed"'})]
)
def test_a_partial_retrieval_gives_what_came_and_then_says_so(  # noqa: PLR0917 - fixtures
    opened: Open, scripted: Scripted, spool: Path, parts: list[bytes], status: int, headers: dict[str, str]
) -> None:
    peer = scripted(Response("GET", "/studies", status, headers, (*parts, b"--b--")))
    count, error = fetched(opened(peer.url), spool)
    assert (count, type(error), error.reason) == (3, RetryableError, "PartialRetrieve")


def test_an_error_text_among_the_parts_is_a_partial_retrieval(
    opened: Open, scripted: Scripted, spool: Path, parts: list[bytes]
) -> None:
    text = b"--b\r\nContent-Type: text/plain\r\n\r\nError: Sample^Paul failed\r\n"
    peer = scripted(Response("GET", "/studies", 200, MULTIPART, (parts[0], text, b"--b--")))
    count, error = fetched(opened(peer.url), spool)
    assert (count, error.reason) == (1, "PartialRetrieve")
    assert "Sample" not in error.message


def test_an_answer_without_any_object_is_no_success(opened: Open, scripted: Scripted, spool: Path) -> None:
    peer = scripted(Response("GET", "/studies", 200, MULTIPART, (b"--b--",)))
    count, error = fetched(opened(peer.url), spool)
    assert (count, type(error), error.reason) == (0, RetryableError, "NothingReceived")


def test_an_object_that_is_not_part_10_is_counted(
    opened: Open, scripted: Scripted, spool: Path, parts: list[bytes]
) -> None:
    junk = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + bytes(300) + b"\r\n"
    peer = scripted(Response("GET", "/studies", 200, MULTIPART, (junk, *parts, b"--b--")))
    count, error = fetched(opened(peer.url), spool)
    assert (count, type(error), error.reason) == (3, PermanentError, "UnreadableInstance")
    assert "1 of the objects" in error.message


def test_a_missing_series_does_not_keep_the_others(
    opened: Open, scripted: Scripted, spool: Path, parts: list[bytes]
) -> None:
    peer = scripted(
        Response("GET", "/studies/1.2.3/series/1.1", 404),
        Response("GET", "/studies/1.2.3/series/1.2", 200, MULTIPART, (*parts, b"--b--")),
    )
    count, error = fetched(opened(peer.url), spool, Selection("P1", "1.2.3", ("1.1", "1.2")))
    assert (count, type(error), error.reason) == (3, RetryableError, "PartialRetrieve")


def test_images_are_asked_for_as_stored(opened: Open, scripted: Scripted, spool: Path) -> None:
    peer = scripted(Response("GET", "/wado/studies/1.2.3$", 404))
    fetched(opened(peer.url, "Bearer token", wadoPrefix="/wado/"), spool)
    [request] = peer.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["accept"] == ACCEPT
    assert headers["authorization"] == "Bearer token"


def test_a_retrieval_that_nobody_wants_any_more_leaves_no_half_file(
    opened: Open, scripted: Scripted, spool: Path, parts: list[bytes]
) -> None:
    peer = scripted(Response("GET", "/studies", 200, MULTIPART, (*parts, b"--b--")))
    arriving = iter(opened(peer.url).fetch(STUDY, spool))
    first = next(arriving)
    arriving.close()  # type: ignore[attr-defined]  # a generator
    assert [path.name for path in spool.iterdir()] == [path_of(first).name]


@pytest.mark.parametrize("uid", ["..", "1.2/../../x", "1.2?x=1", ""])
def test_what_is_no_uid_never_becomes_a_path(opened: Open, scripted: Scripted, spool: Path, uid: str) -> None:
    peer = scripted()
    _, error = fetched(opened(peer.url), spool, Selection("P1", uid))
    assert error.reason == "BadInput"
    assert peer.requests == ()


def path_of(instance: Instance) -> Path:
    [piece] = instance.pieces
    assert isinstance(piece, FileSlice)
    return piece.path
