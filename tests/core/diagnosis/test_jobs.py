"""Whether jobs are looked at, told from all of them and not from the first page."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from adit.cluster.kubernetes.connection import Connection
from adit.diagnosis.api_server import ApiServer
from adit.diagnosis.inspection import Look
from adit.diagnosis.jobs import MOST_JOBS, look_at_lag
from adit.diagnosis.wanted import Wanted
from tests.core.cluster.kubernetes.api_server import ApiServer as Peer
from tests.core.cluster.kubernetes.api_server import Scripted, answer, status

NOW = "Thu, 01 Jan 2026 12:00:00 GMT"
PATH = "/apis/adit.dev/v1alpha1/transferjobs"


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with Peer().running() as peer:
        yield peer


@pytest.fixture
async def look(peer: Peer) -> AsyncIterator[Look]:
    connection = Connection(peer)
    yield Look(ApiServer(connection), Wanted(), {}, {}, NOW)
    await connection.close()


def job(name: str, *, observed: int | None = 1) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "a", "creationTimestamp": "2026-01-01T10:00:00Z", "generation": 1}
    return {"metadata": metadata, "status": {} if observed is None else {"observedGeneration": observed}}


def page(*jobs: Mapping[str, Any], token: str = "") -> Scripted:
    return answer({"metadata": {"continue": token} if token else {}, "items": list(jobs)})


async def test_every_page_of_jobs_is_looked_at(peer: Peer, look: Look) -> None:
    peer.will(page(job("one"), job("two"), token="next"), page(job("three")))
    finding = await look_at_lag(look)
    assert (finding.code, finding.what) == ("OperatorFollows", "has looked at every job (3 seen)")
    assert [(one.path, one.query.get("continue")) for one in peer.asked] == [(PATH, None), (PATH, "next")]


async def test_a_job_of_a_later_page_that_nobody_looks_at_is_found(peer: Peer, look: Look) -> None:
    pages = [page(job("seen"), token="next"), page(job("forgotten", observed=None))]
    peer.will(*pages, *pages)
    finding = await look_at_lag(look, again_seconds=0)
    assert finding.code == "OperatorLags"
    assert "a/forgotten" in finding.what


async def test_of_very_many_jobs_it_is_said_that_only_the_first_were_looked_at(peer: Peer, look: Look) -> None:
    peer.will(*(page(*(job(f"{index}-{one}") for one in range(50)), token="more") for index in range(MOST_JOBS // 50)))
    finding = await look_at_lag(look)
    assert finding.code == "OperatorFollows"
    assert finding.what == f"has looked at each of the first {MOST_JOBS} jobs; there are more, which were not asked for"


async def test_pages_that_run_out_of_time_are_no_word_for_every_job(peer: Peer, look: Look) -> None:
    peer.will(page(job("one"), token="old"), answer(status(410, reason="Expired"), 410))
    finding = await look_at_lag(look)
    assert finding.what == "has looked at each of the first 1 jobs; there are more, which were not asked for"


async def test_who_may_not_list_jobs_is_told_so(peer: Peer, look: Look) -> None:
    peer.will(answer(status(403, reason="Forbidden"), 403))
    assert (await look_at_lag(look)).code == "JobsUnseen"
