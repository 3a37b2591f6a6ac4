import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.api import labels
from adit.api.resource import TaskSet, TransferJob
from adit.api.task_list import TaskList
from adit.api.transfer_job import Plan
from adit_operator.names import job_name, task_set_name
from adit_operator.plan import first_plan, planned_name, task_sets, tasks_per_set
from adit_operator.profiles import profile_named
from adit_operator.testing.builders import JOB_UID, transfer_job


def listed(job: TransferJob) -> TaskList:
    return TaskList.of(job.spec.inline)


def planned_first(job: TransferJob) -> Plan:
    return first_plan(job, listed(job), None, profile_named(job.spec.pseudonymization.profile, "default", {}))


@pytest.mark.parametrize(
    ("tasks", "parallelism", "expected"),
    [(1, 1, 1), (4, 1, 1), (5, 1, 2), (500, 1, 100), (500, 4, 32), (500, 100, 2), (16, 4, 1), (17, 4, 2)],
)
def test_tasks_per_set_follows_the_formula(tasks: int, parallelism: int, expected: int) -> None:
    assert tasks_per_set(tasks, parallelism) == expected


@given(st.integers(1, 500), st.integers(1, 100))
def test_every_task_is_in_exactly_one_set(count: int, parallelism: int) -> None:
    job = transfer_job(count, spec={"parallelism": parallelism})
    plan = planned_first(job)
    sets = list(task_sets(job, plan, listed(job), range(plan.sets)))
    planned = [task["id"] for made in sets for task in made["spec"]["tasks"]]
    assert planned == [f"t{i}" for i in range(count)]
    assert len(sets) == plan.sets == ceil(count / plan.tasks_per_set)


def test_names_of_sets_carry_the_owners_uid() -> None:
    assert task_set_name("night", JOB_UID, round_=2, index=7) == "tj-night-0a1b2c3d-2-7"


@given(
    st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?", fullmatch=True), st.integers(0, 999), st.integers(0, 99_999)
)
def test_the_name_of_a_job_fits_in_63_characters(name: str, round_: int, index: int) -> None:
    child = job_name(task_set_name(name, JOB_UID, round_=round_, index=index), 999)
    assert len(child) <= 63
    assert "." not in child
    assert not child.startswith("tj--")


def test_only_the_missing_sets_are_made() -> None:
    job = transfer_job(4)
    plan = planned_first(job)
    made = list(task_sets(job, plan, listed(job), [2]))
    assert [one["metadata"]["name"] for one in made] == [planned_name(job, plan, 2)]


def test_a_set_inherits_the_requester_and_the_date_but_no_label() -> None:
    job = transfer_job(annotations={labels.REQUESTED_BY: "ada", "argocd.argoproj.io/tracking-id": "x"})
    made = next(task_sets(job, planned_first(job), listed(job), [0]))
    assert made["metadata"]["annotations"] == {
        labels.REQUESTED_BY: "ada",
        labels.JOB_CREATED_AT: "2026-01-01T00:00:00Z",
    }
    assert set(made["metadata"]["labels"]) == {labels.MANAGED_BY, labels.OWNER_UID, labels.ROUND, labels.ACTIVE}


def test_a_set_is_owned_by_its_job_and_readable() -> None:
    job = transfer_job()
    made = next(task_sets(job, planned_first(job), listed(job), [0]))
    read = TaskSet.read(json.loads(json.dumps(made)))
    assert read.metadata.controller_uid == JOB_UID
    assert read.spec.owner.uid == JOB_UID


def test_the_hash_of_the_tasks_depends_on_their_order() -> None:
    tasks = TaskList.of(transfer_job(3).spec.inline).part(0, 3)
    assert TaskList.of(tasks).sha256 != TaskList.of(tasks[::-1]).sha256


@pytest.mark.parametrize(
    ("pseudonymization", "identified"),
    [({"identified": True, "reason": "for care"}, True), ({"profile": "adit-compatible"}, False)],
)
def test_a_set_says_in_words_that_it_is_identified(pseudonymization: dict[str, object], identified: bool) -> None:  # noqa: FBT001 - a parameter of the table
    job = transfer_job(spec={"pseudonymization": pseudonymization})
    made = next(task_sets(job, planned_first(job), listed(job), [0]))
    assert made["spec"]["identified"] is identified
    assert ("profile" in made["spec"]) is not identified
