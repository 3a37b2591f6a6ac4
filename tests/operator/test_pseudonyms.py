"""Pseudonyms that the operator makes, and the table that it keeps where a profile asks for one."""

import base64
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from adit.api.resource import TransferJob
from adit.api.task_list import TaskList
from adit.api.tasks import TransferTask
from adit.cluster.cluster import Conflict, Manifest
from adit.cluster.kinds import Ref
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.mapping import MAPPING_TYPE, MappingRow, rows_of_secret
from adit.testing.cluster import profile_manifest, secret_manifest, transfer_job_manifest
from adit_operator.pseudonyms import collision
from adit_operator.testing.desk import Desk

KEY = ProjectKey(b"k" * 32)
BARE = [
    {"patientId": "P0", "studyInstanceUid": "1.2.1"},
    {"patientId": "p0", "studyInstanceUid": "1.2.2"},
    {"patientId": "P1", "studyInstanceUid": "1.2.3", "issuerOfPatientId": "A"},
]


async def submit(desk: Desk, tasks: list[dict[str, Any]], name: str = "night", profile: str = "brain") -> None:
    job = transfer_job_manifest(name)
    await desk.cluster.create(
        {**job, "spec": {**job["spec"], "pseudonymization": {"profile": profile}, "tasks": tasks}}
    )


@pytest.fixture
async def keyed(desk: Desk) -> Desk:
    """A namespace that has its key."""
    key = secret_manifest("adit-project-key", {"key": KEY.secret.decode()}, labels={"adit.dev/purpose": "key"})
    await desk.cluster.create(key)
    return desk


async def pseudonyms(desk: Desk, name: str = "night") -> list[str | None]:
    uid = (await desk.job(name)).metadata.uid
    sets = [one["spec"] for one in (await desk.cluster.list("TaskSet")).items]
    own = sorted((one for one in sets if one["owner"]["uid"] == uid), key=lambda one: (one["round"], one["index"]))
    return [task.get("pseudonym") for one in own for task in one["tasks"]]


def stalled(job: TransferJob) -> str:
    condition = next(one for one in job.status.conditions if one.type == "Stalled")
    return condition.reason if condition.status == "True" else ""


async def tables(desk: Desk) -> list[dict[str, Any]]:
    return [one for one in (await desk.cluster.list("Secret")).items if one.get("type") == MAPPING_TYPE]


async def rows(desk: Desk) -> list[MappingRow]:
    return sorted(row for one in await tables(desk) for row in rows_of_secret(one))


async def test_derived_pseudonyms_come_from_key_and_patient_and_are_the_same_in_every_job(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Derived"))
    await submit(keyed, BARE)
    await submit(keyed, BARE, "day")
    await keyed.settle()
    keyring = Keyring(KEY)
    expected = [keyring.derived_pseudonym("", "P0"), keyring.derived_pseudonym("", "P0")]
    expected.append(keyring.derived_pseudonym("A", "P1"))
    assert await pseudonyms(keyed) == expected
    assert await pseudonyms(keyed, "day") == expected


async def test_random_pseudonyms_are_others_in_each_job_and_the_same_in_all_of_its_rounds(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Random"))
    await submit(keyed, BARE)
    await submit(keyed, BARE, "day")
    await keyed.settle()
    night, day = await pseudonyms(keyed), await pseudonyms(keyed, "day")
    assert night[0] == night[1] != night[2]
    assert set(night).isdisjoint(day)
    await keyed.play_all("F")
    await keyed.change({"retry": {"token": "again", "scope": "All"}})
    await keyed.settle()
    assert await pseudonyms(keyed) == night * 2


async def test_a_task_may_not_bring_a_pseudonym_that_the_profile_makes(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Derived"))
    await submit(keyed, [{**BARE[0], "pseudonym": "A0"}])
    await keyed.settle()
    job = await keyed.job()
    assert stalled(job) == "InvalidTasks"
    assert job.status.message.startswith("spec.tasks[0].pseudonym: is made by the profile")


async def test_a_task_must_bring_a_pseudonym_where_the_profile_makes_none(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain"))
    await submit(keyed, BARE)
    await keyed.settle()
    assert stalled(await keyed.job()) == "InvalidTasks"


async def test_a_list_in_a_secret_gets_its_pseudonyms_and_is_repeated_when_the_secret_is_gone(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Derived"))
    lines = '{"patientId": "P0", "studyInstanceUid": "1.2.1"}\n{"patientId": "P1", "studyInstanceUid": "1.2.2"}'
    await keyed.cluster.create(secret_manifest("list", {"tasks.jsonl": lines}, labels={"adit.dev/purpose": "tasks"}))
    job = transfer_job_manifest("night")
    spec = {**job["spec"], "pseudonymization": {"profile": "brain"}}
    spec["tasksFrom"] = [{"secretRef": {"name": "list", "key": "tasks.jsonl"}}]
    del spec["tasks"]
    await keyed.cluster.create({**job, "spec": spec})
    await keyed.play_all("F")
    first = await pseudonyms(keyed)
    assert first == [Keyring(KEY).derived_pseudonym("", name) for name in ("P0", "P1")]
    await keyed.cluster.delete(Ref("Secret", "default", "list"))
    keyed.crash()
    await keyed.settle()
    await keyed.change({"retry": {"token": "again", "scope": "Failed"}})
    await keyed.play_all()
    assert await pseudonyms(keyed) == first * 2
    assert (await keyed.job()).status.phase == "Success"


def test_two_patients_under_one_pseudonym_are_told_by_their_tasks_and_not_by_name() -> None:
    tasks = TaskList.of(TransferTask.of(one) for one in BARE)
    told = collision(tasks, lambda _: "SAME")
    assert told is not None
    assert told.reason == "PseudonymCollision"
    assert "tasks t0 and t2" in told.message, "t1 is the same patient as t0"
    assert "P0" not in told.message
    assert collision(tasks, lambda task: task.patient_id.lower()) is None


async def test_without_being_asked_no_table_is_kept(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Derived"))
    await submit(keyed, BARE)
    await keyed.play_all()
    assert await tables(keyed) == []


async def test_the_table_stands_in_the_runners_namespace_with_one_row_per_patient(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", mappingTable=True))
    given = [{**task, "pseudonym": name} for task, name in zip(BARE, ("A0", "A9", "A1"), strict=True)]
    await submit(keyed, [*given, {**given[0], "studyInstanceUid": "1.2.9"}])
    await keyed.play_all()
    (table,) = await tables(keyed)
    assert table["metadata"]["namespace"] == "adit"
    assert [(row.issuer, row.patient_id, row.pseudonym) for row in await rows(keyed)] == [
        ("", "P0", "A0"),
        ("", "p0", "A9"),
        ("A", "P1", "A1"),
    ]
    assert {(row.namespace, row.profile, row.key_id) for row in await rows(keyed)} == {("default", "brain", KEY.id)}
    about = {name: value for name, value in table.items() if name != "data"}
    assert not [one for one in ("P0", "P1", "A0", "night", base64.b64encode(KEY.secret).decode()) if one in str(about)]


async def test_the_table_stays_when_job_and_profile_are_gone_and_is_added_to_by_others(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Random", mappingTable=True))
    await submit(keyed, BARE[:1])
    await keyed.play_all()
    before = await rows(keyed)
    await keyed.cluster.delete(Ref("TransferJob", "default", "night"))
    await submit(keyed, BARE[:1], "day")
    await keyed.play_all()
    await keyed.cluster.delete(Ref("PseudonymizationProfile", "default", "brain"))
    await keyed.settle()
    after = await rows(keyed)
    assert set(before) < set(after)
    assert {row.patient_id for row in after} == {"P0"}
    assert len({row.pseudonym for row in after}) == 2


async def test_no_plan_is_written_before_the_table_is_there(keyed: Desk) -> None:
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Derived", mappingTable=True))
    await submit(keyed, BARE)
    for _ in range(6):
        await keyed.see_all()
        await keyed.reconcile()
        if (await keyed.job()).status.plan is not None:
            assert len(await rows(keyed)) == 3
            return
    raise AssertionError("the job was never planned")


class CountedQuota:
    """A cluster that refuses the first table, as it does while a quota is being counted."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cluster, name)

    async def create(self, manifest: Manifest) -> Manifest:
        if manifest.get("type") == MAPPING_TYPE and not self.refused:
            self.refused += 1
            raise Conflict("Operation cannot be fulfilled on resourcequotas: the object has been modified")
        made: Manifest = await self._cluster.create(manifest)
        return made


async def test_a_table_that_was_refused_for_a_moment_is_written_all_the_same(keyed: Desk) -> None:
    quota = CountedQuota(keyed.cluster)
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Random", mappingTable=True))
    await submit(keyed, BARE)
    keyed.world = replace(keyed.world, cluster=quota)
    with suppress(Conflict):
        await keyed.play_all()
    assert (await keyed.job()).status.plan is None or await rows(keyed)
    await keyed.play_all()
    assert (quota.refused, len(await rows(keyed))) == (1, 3)
    assert (await keyed.job()).status.phase == "Success"


async def test_no_table_is_kept_in_the_namespace_of_its_key(keyed: Desk) -> None:
    keyed.world = replace(keyed.world, settings=keyed.world.settings.model_copy(update={"runner_namespace": "default"}))
    await keyed.cluster.create(profile_manifest("brain", pseudonymSource="Derived", mappingTable=True))
    await submit(keyed, BARE)
    await keyed.settle()
    job = await keyed.job()
    assert stalled(job) == "MappingBesideKey"
    assert job.status.plan is None
    assert await tables(keyed) == []
