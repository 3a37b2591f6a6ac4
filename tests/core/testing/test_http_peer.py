"""The scripted HTTP server answers by its script, keeps what it was asked, and can break off."""

from urllib.request import Request, urlopen

import httpx
import pytest

from adit.testing.http_peer import HttpPeer, Response


def test_the_first_fitting_response_answers() -> None:
    script = [
        Response("GET", r"/studies\?", 401, {"WWW-Authenticate": "Basic"}),
        Response("GET", "/studies", 200, {"Content-Type": "application/dicom+json"}, (b"[", b"]")),
    ]
    with HttpPeer(script) as peer:
        assert httpx.get(f"{peer.url}/studies?limit=1").status_code == 401
        assert httpx.get(f"{peer.url}/studies").json() == []


def test_what_is_not_scripted_is_not_found() -> None:
    with HttpPeer([]) as peer:
        assert httpx.get(f"{peer.url}/anything").status_code == 404


def test_a_response_may_be_given_once() -> None:
    with HttpPeer([Response("POST", "/studies", 503, once=True), Response("POST", "/studies", 200)]) as peer:
        assert [httpx.post(f"{peer.url}/studies", content=b"x").status_code for _ in range(3)] == [503, 200, 200]


def test_requests_are_recorded_with_the_size_of_their_body() -> None:
    with HttpPeer([Response("POST", "/studies")]) as peer:
        httpx.post(f"{peer.url}/studies", content=b"12345", headers={"X-Kept": "yes"})
        httpx.post(f"{peer.url}/studies", content=iter([b"abc", b"defg"]))
        first, second = peer.requests
    assert (first.method, first.path, first.body, first.body_size) == ("POST", "/studies", b"12345", 5)
    assert first.headers["X-Kept"] == "yes"
    assert (second.body, second.body_size) == (b"abcdefg", 7)


def test_the_connection_can_end_in_the_middle_of_a_body() -> None:
    with HttpPeer([Response("GET", "/x", body=(b"one", b"two"), close_after=1)]) as peer:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{peer.url}/x")
        assert len(peer.requests) == 1


def test_a_client_that_keeps_its_connection_does_not_hold_the_peer() -> None:
    with httpx.Client() as client, HttpPeer([Response("GET", "/x", body=(b"ok",))]) as peer:
        assert client.get(f"{peer.url}/x").text == "ok"


def test_any_http_client_can_read_the_answer() -> None:
    with HttpPeer([Response("DELETE", "/x", 204)]) as peer, urlopen(Request(f"{peer.url}/x", method="DELETE")) as reply:
        assert reply.status == 204
