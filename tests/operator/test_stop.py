from typing import Any

import pytest

from adit.api.transfer_job import TransferJobSpec
from adit_operator.observed import Yield
from adit_operator.stop import eviction, stop_changes, wanted_stop
from adit_operator.testing.builders import JOB_UID, seen_set, transfer_job

NOBODY: dict[str, Yield] = {}


def spec(**changes: Any) -> TransferJobSpec:
    return transfer_job(spec=changes).spec


def told(stop: Any = "AfterTask", reason: Any = "Preempted") -> dict[str, Yield]:
    """Admission's word on the set of `seen_set`."""
    return {seen_set().uid: Yield(seen_set().uid, JOB_UID, stop, reason)}


@pytest.mark.parametrize(
    ("changes", "yields", "facts", "stop"),
    [
        ({}, NOBODY, {}, None),
        ({"suspend": True}, NOBODY, {}, "AfterTask"),
        ({}, told(), {}, "AfterTask"),
        ({"shutdown": "Graceful"}, NOBODY, {}, "AfterTask"),
        ({"shutdown": "Immediate"}, NOBODY, {}, "Now"),
        ({}, NOBODY, {"revoked": True}, "Now"),
        ({"suspend": True}, NOBODY, {"revoked": True}, "Now"),
        ({"suspend": True}, told("Now", "WindowClosed"), {}, "Now"),
        ({"shutdown": "Immediate"}, told(), {"running": False}, None),
    ],
)
def test_only_shutdown_immediate_a_revoked_grant_and_a_hard_window_interrupt(
    changes: dict[str, Any], yields: dict[str, Yield], facts: dict[str, bool], stop: str | None
) -> None:
    assert wanted_stop(seen_set(), spec(**changes), yields, **({"running": True, "revoked": False} | facts)) == stop


def test_what_is_told_is_taken_back_when_nobody_needs_the_slot_any_more() -> None:
    assert wanted_stop(seen_set(stop="AfterTask"), spec(), NOBODY, running=True, revoked=False) is None


def test_before_admission_has_spoken_nothing_is_taken_back() -> None:
    assert wanted_stop(seen_set(stop="AfterTask"), spec(), None, running=True, revoked=False) == "AfterTask"


def test_a_finished_set_is_told_nothing() -> None:
    assert not stop_changes(seen_set(finished=True), "Now")
    assert stop_changes(seen_set(), "Now")


@pytest.mark.parametrize(
    ("stop", "changes", "yields", "revoked", "reason"),
    [
        (None, {}, told(), False, "Preempted"),
        (None, {}, told("Now", "WindowClosed"), False, "WindowClosed"),
        (None, {}, told(), True, "AccessRevoked"),
        ("AfterTask", {}, told(), False, None),
        (None, {"suspend": True}, told(), False, None),
        (None, {"shutdown": "Immediate"}, NOBODY, False, None),
    ],
    ids=["preempted", "window", "revoked", "told before", "suspended", "shut down"],
)
def test_an_eviction_is_what_the_jobs_people_did_not_want_and_counts_once(
    stop: Any, changes: dict[str, Any], yields: dict[str, Yield], revoked: Any, reason: str | None
) -> None:
    assert eviction(seen_set(stop=stop), spec(**changes), yields, revoked=revoked) == reason
