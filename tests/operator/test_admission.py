from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit_operator.admission import Admission, Candidate, admissible, admit, startable
from adit_operator.observed import SeenSet
from adit_operator.slots import Allocation, Cap, allocated, caps_of, endpoints_between
from adit_operator.testing.builders import (
    DESTINATION,
    SOURCE,
    dicom_server,
    seen_job,
    seen_set,
    seen_transfer,
)
from adit_operator.testing.fakes import START

A, B = "A@h:1", "B@h:1"
NOTHING = Allocation(Counter(), frozenset(), Counter())


def sets(count: int, owner: str = "one", **changes: Any) -> list[SeenSet]:
    return [replace(seen_set("P", index=i, **changes), uid=f"{owner}-{i}", owner_uid=owner) for i in range(count)]


def candidate(owner: str = "one", count: int = 1, endpoints: tuple[str, ...] = (A, B), **changes: Any) -> Candidate:
    return Candidate(seen_transfer(owner, **changes), sets(count, owner), endpoints)


def started(admission: Admission) -> list[str]:
    return [seen.uid for seen in admission.start]


def test_free_slots_are_given_in_order_of_the_sets() -> None:
    admission = admit([candidate(count=5)], NOTHING, {A: Cap(2), B: Cap(3)}, START)
    assert started(admission) == ["one-0", "one-1"]


def test_taken_slots_are_not_given_again() -> None:
    taken = Allocation(Counter({A: 1}), frozenset(), Counter())
    assert started(admit([candidate(count=5)], taken, {A: Cap(2), B: Cap(3)}, START)) == ["one-0"]


def test_parallelism_limits_one_job() -> None:
    running = Allocation(Counter({A: 1, B: 1}), frozenset(), Counter({"one": 1}))
    admission = admit([candidate(count=5, parallelism=2)], running, {A: Cap(9), B: Cap(9)}, START)
    assert started(admission) == ["one-0"]


def test_priority_goes_before_age() -> None:
    old = candidate("old", created="2026-01-01T00:00:00Z")
    urgent = candidate("urgent", priority=500, created="2026-01-02T00:00:00Z")
    young = candidate("young", created="2026-01-03T00:00:00Z")
    admission = admit([young, urgent, old], NOTHING, {A: Cap(2), B: Cap(2)}, START)
    assert started(admission) == ["urgent-0", "old-0"]
    assert admission.waiting["young"].reason == "WaitingForSlot"


def test_a_job_behind_a_full_endpoint_does_not_hold_up_another() -> None:
    blocked = candidate("blocked", endpoints=(A, B), priority=500)
    other = candidate("other", endpoints=(A,))
    assert started(admit([blocked, other], NOTHING, {A: Cap(2), B: Cap(0)}, START)) == ["other-0"]


def test_a_job_that_needs_two_slots_of_one_endpoint_is_not_starved() -> None:
    wide = candidate("wide", endpoints=(A, A), priority=500)
    narrow = candidate("narrow", endpoints=(A,))
    taken = Allocation(Counter({A: 1}), frozenset(), Counter())
    assert started(admit([wide, narrow], taken, {A: Cap(2)}, START)) == []


def test_one_endpoint_for_both_ends_takes_two_slots() -> None:
    assert started(admit([candidate(count=3, endpoints=(A, A))], NOTHING, {A: Cap(5)}, START)) == ["one-0", "one-1"]


@pytest.mark.parametrize(
    ("cap", "reason"),
    [
        (Cap(2, paused=True), "ServerPaused"),
        (Cap(2, unreachable="nobody answers"), "ServerUnreachable"),
        (Cap(0), "CapTooSmall"),
    ],
)
def test_a_closed_endpoint_gives_nothing_and_says_why(cap: Cap, reason: str) -> None:
    admission = admit([candidate()], NOTHING, {A: cap, B: Cap(9)}, START)
    assert started(admission) == []
    assert admission.waiting["one"].reason == reason
    assert A in admission.waiting["one"].message


def test_a_full_endpoint_is_waited_for() -> None:
    taken = Allocation(Counter({A: 2}), frozenset(), Counter())
    admission = admit([candidate()], taken, {A: Cap(2), B: Cap(9)}, START)
    assert admission.waiting["one"].reason == "WaitingForSlot"


def test_a_folder_takes_no_slot() -> None:
    assert started(admit([candidate(count=2, endpoints=(A,))], NOTHING, {A: Cap(2)}, START)) == ["one-0", "one-1"]


def test_a_retry_is_not_started_before_it_is_due() -> None:
    due = START + timedelta(seconds=120)
    waiting = Candidate(seen_transfer("one"), sets(1, due={"t0": due}), (A,))
    admission = admit([waiting], NOTHING, {A: Cap(2)}, START)
    assert started(admission) == []
    assert admission.waiting["one"].reason == "RetryDue"
    assert admission.next_due == due
    assert started(admit([waiting], NOTHING, {A: Cap(2)}, due)) == ["one-0"]


def test_a_set_of_which_one_task_may_run_now_is_not_held_back_by_the_others() -> None:
    seen = replace(seen_set("PP", due={"t0": START + timedelta(hours=1)}), owner_uid="one")
    assert started(admit([Candidate(seen_transfer("one"), [seen], (A,))], NOTHING, {A: Cap(2)}, START)) == [seen.uid]


@pytest.mark.parametrize("flag", ["suspend", "shutdown", "stalled", "terminal"])
def test_a_job_that_must_not_run_is_no_candidate(flag: str) -> None:
    assert admissible(seen_transfer())
    changes: dict[str, Any] = {flag: True}
    assert not admissible(replace(seen_transfer(), **changes))


def test_a_job_that_is_not_accepted_is_no_candidate() -> None:
    assert not admissible(replace(seen_transfer(), ready=False))


@pytest.mark.parametrize(
    "changes",
    [{"finished": True}, {"stop": "AfterTask"}, {"round": 1}, {"states": ("S", "S")}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_set_that_is_done_stopped_or_of_another_round_is_not_started(changes: dict[str, Any]) -> None:
    assert startable(seen_set(), seen_transfer(), NOTHING, -1)
    assert not startable(replace(seen_set(), **changes), seen_transfer(), NOTHING, -1)


def test_the_end_of_an_attempt_is_judged_before_the_next() -> None:
    assert not startable(seen_set(judged_attempt=0), seen_transfer(), NOTHING, 1)
    assert startable(seen_set(judged_attempt=1), seen_transfer(), NOTHING, 1)


def test_a_set_has_one_runner() -> None:
    seen = seen_set()
    running = allocated([seen_job(seen)], [seen], frozenset(), {})
    assert not startable(seen, seen_transfer(), running, -1)


def test_a_set_made_anew_waits_for_the_runner_of_the_deleted_one() -> None:
    seen = seen_set()
    orphan = replace(seen_job(seen), task_set_uid="an-older-uid")
    assert not startable(seen, seen_transfer(), allocated([orphan], [seen], frozenset(), {}), -1)


SERVERS = {SOURCE: dicom_server(), DESTINATION: dicom_server("research", port=11113)}
PACS = "PACS@127.0.0.1:11112"


def test_a_set_counts_once_by_its_job_and_its_holder() -> None:
    seen = seen_set()
    allocation = allocated([seen_job(seen)], [seen], frozenset({seen.uid}), SERVERS)
    assert allocation.slots == {PACS: 1, "RESEARCH@127.0.0.1:11113": 1}


def test_a_living_holder_counts_without_a_job() -> None:
    seen = seen_set()
    assert allocated([], [seen], frozenset({seen.uid}), SERVERS).slots[PACS] == 1


def test_a_finished_job_counts_nothing() -> None:
    seen = seen_set()
    assert not allocated([seen_job(seen, finished=True)], [seen], frozenset(), SERVERS).slots


def test_an_orphan_counts_until_its_pod_has_ended() -> None:
    assert allocated([seen_job(seen_set())], [], frozenset(), {}).slots[PACS] == 1


def test_objects_of_one_endpoint_share_its_smallest_cap() -> None:
    one = dicom_server(limits={"maxAssociations": 6, "reservedInteractive": 1})
    other = dicom_server("again", aeTitle="PACS", limits={"maxAssociations": 4, "reservedInteractive": 2})
    assert caps_of([one, other], {}) == {PACS: Cap(2, reserve=2)}


def test_one_paused_object_pauses_its_endpoint() -> None:
    other = dicom_server("again", aeTitle="PACS", paused=True)
    assert caps_of([dicom_server(), other], {})[PACS].open_slots == 0


def test_an_endpoint_that_is_down_has_no_slots() -> None:
    assert caps_of([dicom_server()], {PACS: "no answer"})[PACS].open_slots == 0


def test_a_transfer_takes_a_slot_on_each_end() -> None:
    assert endpoints_between(SOURCE, DESTINATION, SERVERS) == (PACS, "RESEARCH@127.0.0.1:11113")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(1, 3),
            st.lists(st.sampled_from([A, B]), min_size=1, max_size=2),
            st.integers(0, 2),
        ),
        max_size=6,
    ),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 4),
)
@settings(deadline=None)
def test_no_cap_is_ever_exceeded(jobs: list[Any], cap_a: int, cap_b: int, taken_a: int) -> None:
    candidates = [
        Candidate(seen_transfer(f"j{i}", parallelism=parallelism, priority=priority), sets(count, f"j{i}"), tuple(ends))
        for i, (count, parallelism, ends, priority) in enumerate(jobs)
    ]
    caps = {A: Cap(cap_a), B: Cap(cap_b)}
    taken = Counter({A: min(taken_a, cap_a)})
    admission = admit(candidates, Allocation(taken, frozenset(), Counter()), caps, START)
    ends = {one.transfer.uid: one.endpoints for one in candidates}
    used = taken + Counter(endpoint for seen in admission.start for endpoint in ends[seen.owner_uid or ""])
    assert all(used[name] <= cap.slots for name, cap in caps.items())
    for one in candidates:
        mine = [seen for seen in admission.start if seen.owner_uid == one.transfer.uid]
        assert len(mine) <= one.transfer.parallelism
        assert len({seen.uid for seen in mine}) == len(mine)
