"""The pace of requests over HTTP: every request counts, whatever it is for."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.pace import Pace
from adit.connectors.target import Target
from adit.connectors.web import DicomWebConnector
from adit.errors import AditError
from adit.query import Level, Query, Selection
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.odd_files import odd_files
from adit.transfer.part10 import open_part10
from adit.transfer.placement import Placement

JSON = {"Content-Type": "application/dicom+json"}
ROW = b'[{"0020000D": {"vr": "UI", "Value": ["1.2.%d"]}}]'
PAGES = tuple(Response("GET", "/studies", headers=JSON, body=(ROW % n,), once=True) for n in range(3))
EMPTY = Response("GET", "/studies$|/studies\\?", headers=JSON, body=(b"[]",))


def test_each_page_keeps_the_pace(scripted: Callable[..., HttpPeer]) -> None:
    peer = scripted(*PAGES, EMPTY)
    with paced(peer, Pace(600)) as connector:
        begun = time.monotonic()
        assert len(list(connector.find(Query(Level.STUDY)))) == 3
        took = time.monotonic() - begun
    assert len(peer.requests) == 4
    assert took > 0.29


def test_search_fetch_and_store_share_one_pace(scripted: Callable[..., HttpPeer], tmp_path: Path, spool: Path) -> None:
    waits: list[float] = []
    peer = scripted(EMPTY)  # and 404 for whatever is fetched and stored
    instance = open_part10(next(iter(odd_files(tmp_path / "odd").values())))
    with paced(peer, Pace(1, clock=lambda: sum(waits), sleep=waits.append)) as connector:
        assert not list(connector.find(Query(Level.STUDY)))
        with pytest.raises(AditError):
            list(connector.fetch(Selection("P1", "1.2"), spool))
        with pytest.raises(AditError):
            list(connector.store([instance], Placement("job")))
    assert [one.method for one in peer.requests] == ["GET", "GET", "POST"]
    assert waits == [60, 60, 60]


def test_the_pace_is_told_when_a_request_leaves_and_not_only_that_it_may(scripted: Callable[..., HttpPeer]) -> None:
    told: list[str] = []

    class Noting(Pace):
        def turn(self) -> None:
            told.append("turn")

        def began(self) -> None:
            told.append("began")

    with paced(scripted(*PAGES[:1], EMPTY), Noting(1)) as connector:
        assert len(list(connector.find(Query(Level.STUDY)))) == 1
    assert told == ["turn", "began"] * 2


def paced(peer: HttpPeer, pace: Pace) -> DicomWebConnector:
    spec = DicomServerSpec.of({"aeTitle": "PACS", "dicomweb": {"url": peer.url}})
    return DicomWebConnector(Target("pacs", spec, "ADIT", Path("/nowhere"), pace=pace))
