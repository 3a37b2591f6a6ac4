"""Events as they are posted: their shape, their names, and what becomes of one that cannot be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from adit.cluster.cluster import ClusterUnavailable, Conflict, Forbidden, Manifest
from adit.cluster.events import Happening
from adit.cluster.kinds import Ref
from adit.cluster.kubernetes.events import MAX_WAITING, KubernetesEvents, event_of

if TYPE_CHECKING:
    from adit.errors import AditError

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
NIGHT = Ref("TransferJob", "research", "night")
DONE = Happening(
    NIGHT, "uid-1", "Normal", "Complete", "Finish", "Success: 4 succeeded of 4 tasks", "2026-01-01T12:00:00Z"
)


class Api:
    """Takes events, each name once; raises what it is told to."""

    def __init__(self) -> None:
        self.made: dict[str, Manifest] = {}
        self.error: AditError | None = None

    async def create(self, manifest: Manifest) -> Manifest:
        if self.error is not None:
            raise self.error
        name = manifest["metadata"]["name"]
        if name in self.made:
            raise Conflict("taken", reason="AlreadyExists")
        self.made[name] = manifest
        return manifest


@asynccontextmanager
async def posting(api: Api, lost: list[None] | None = None) -> AsyncIterator[KubernetesEvents]:
    events = KubernetesEvents(
        api, "operator-1", now=lambda: NOW, lost=lambda: (lost if lost is not None else []).append(None)
    )
    task = asyncio.create_task(events.run())
    try:
        yield events
        await asyncio.sleep(0.01)
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_an_event_says_about_whom_by_whom_and_what() -> None:
    event = event_of(DONE, "operator-1", NOW)
    assert event["regarding"] == {
        "apiVersion": "adit.dev/v1alpha1",
        "kind": "TransferJob",
        "namespace": "research",
        "name": "night",
        "uid": "uid-1",
    }
    assert (event["apiVersion"], event["eventTime"]) == ("events.k8s.io/v1", "2026-01-01T12:00:00.000000Z")
    assert (event["reportingController"], event["reportingInstance"]) == ("adit.dev/operator", "operator-1")
    assert (event["type"], event["reason"], event["action"]) == ("Normal", "Complete", "Finish")
    assert event["metadata"]["namespace"] == "research"


def test_the_same_transition_has_the_same_name_and_any_other_another() -> None:
    later = datetime(2026, 1, 2, tzinfo=UTC)
    assert event_of(DONE, "a", NOW)["metadata"]["name"] == event_of(DONE, "b", later)["metadata"]["name"]
    others = (replace(DONE, uid="uid-2"), replace(DONE, reason="Failed"), replace(DONE, since="2026-01-01T12:00:01Z"))
    names = {event_of(one, "a", NOW)["metadata"]["name"] for one in (DONE, *others)}
    assert len(names) == 4


@pytest.mark.parametrize("character", ["a", "ä", "患"])
def test_a_note_has_no_more_bytes_than_an_event_may_have(character: str) -> None:
    note = event_of(replace(DONE, note=character * 1024), "a", NOW)["note"]
    assert 1020 < len(note.encode()) <= 1024


def test_the_longest_name_leaves_room_for_the_rest() -> None:
    longest = replace(DONE, about=Ref("TransferJob", "research", "n" * 253))
    assert len(event_of(longest, "a", NOW)["metadata"]["name"]) <= 253


async def test_what_is_told_twice_is_posted_once_and_nothing_is_lost() -> None:
    api, lost = Api(), list[None]()
    async with posting(api, lost) as events:
        events.record(DONE)
        events.record(DONE)
    assert (len(api.made), lost) == (1, [])


async def test_an_api_that_refuses_is_told_of_once_and_each_loss_counted() -> None:
    api, lost = Api(), list[None]()
    api.error = Forbidden("events are forbidden")
    with capture_logs() as lines:
        async with posting(api, lost) as events:
            for second in range(3):
                events.record(replace(DONE, since=f"2026-01-01T12:00:0{second}Z"))
    assert [(line["log_level"], line["reason"]) for line in lines] == [("warning", "Forbidden")]
    assert len(lost) == 3


async def test_after_an_outage_events_are_posted_again() -> None:
    api = Api()
    async with posting(api) as events:
        api.error = ClusterUnavailable("away")
        events.record(DONE)
        await asyncio.sleep(0.01)
        api.error = None
        events.record(replace(DONE, reason="Failed"))
    assert [event["reason"] for event in api.made.values()] == ["Failed"]


async def test_recording_never_waits_and_forgets_what_is_too_much() -> None:
    lost: list[None] = []
    events = KubernetesEvents(Api(), "a", now=lambda: NOW, lost=lambda: lost.append(None))
    for number in range(MAX_WAITING + 5):
        events.record(replace(DONE, since=str(number)))
    assert len(lost) == 5
