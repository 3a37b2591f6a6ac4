"""A job's own profile: found by name, planned by hash, and run as it was planned or not at all."""

import base64
import json

import pytest
import structlog

from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.api.resource import TransferJob
from adit.cluster.kinds import Ref
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.profile import BUILT_IN, Profile
from adit.testing.cluster import profile_manifest, secret_manifest, transfer_job_manifest
from adit_operator.profiles import KIND, not_found, profile_named
from adit_operator.testing.desk import Desk, task_set_of

BRAIN = Ref(KIND, "default", "brain")
SPEC = PseudonymizationProfileSpec(options=("RetainUIDs",))
TASKS = [{"patientId": "P0", "studyInstanceUid": "1.2.1", "pseudonym": "A0"}]
KEY = ProjectKey(b"k" * 32)


async def submit(desk: Desk, name: str = "night", profile: str = "brain") -> None:
    job = transfer_job_manifest(name)
    await desk.cluster.create(
        {**job, "spec": {**job["spec"], "pseudonymization": {"profile": profile}, "tasks": TASKS}}
    )


def stalled(job: TransferJob) -> str:
    condition = next(one for one in job.status.conditions if one.type == "Stalled")
    return condition.reason if condition.status == "True" else ""


async def redefine(desk: Desk) -> None:
    await desk.cluster.delete(BRAIN)
    await desk.cluster.create(profile_manifest("brain", options=["RetainDeviceIdentity"]))


def test_a_built_in_name_means_the_built_in_profile_whatever_object_has_it() -> None:
    forged = {Ref(KIND, "default", name): Profile(name, SPEC) for name in BUILT_IN}
    assert {profile_named(name, "default", forged) for name in BUILT_IN} == set(BUILT_IN.values())


def test_a_profile_is_looked_for_in_the_jobs_namespace_only() -> None:
    there = {BRAIN: Profile("brain", SPEC)}
    assert profile_named("brain", "default", there) == there[BRAIN]
    assert profile_named("brain", "lab", there) is None
    assert profile_named(None, "default", there) is None


def test_who_names_a_profile_that_is_not_there_is_told_which_there_are() -> None:
    there = {BRAIN: Profile("brain", SPEC), Ref(KIND, "lab", "heart"): Profile("heart", SPEC)}
    told = not_found("brian", "default", there, None)
    assert told.reason == "ProfileNotFound"
    assert "adit-compatible, basic" in told.message
    assert "namespace default has brain" in told.message
    assert "heart" not in told.message


async def test_a_job_is_planned_with_the_hash_of_its_own_profile_and_the_runner_gets_its_document(desk: Desk) -> None:
    await desk.cluster.create(profile_manifest("brain", options=["RetainUIDs"]))
    await submit(desk)
    await desk.settle()
    plan = (await desk.job()).status.plan
    assert plan is not None
    assert plan.profile_hash == Profile("brain", SPEC).hash
    (job,) = await desk.runner_jobs()
    task_set = await desk.cluster.get(task_set_of(job))
    assert task_set["spec"]["profile"] == {"name": "brain", "hash": plan.profile_hash}
    volumes = {one["name"]: one for one in job["spec"]["template"]["spec"]["volumes"]}
    secret = await desk.cluster.get(Ref("Secret", "adit", volumes["profile"]["secret"]["secretName"]))
    document = json.loads(base64.b64decode(secret["data"]["profile.json"]))
    assert Profile.of(document) == Profile("brain", SPEC)


async def test_a_job_waits_for_its_profile_and_goes_on_when_it_comes(desk: Desk) -> None:
    await submit(desk)
    await desk.settle()
    assert stalled(await desk.job()) == "ProfileNotFound"
    await desk.cluster.create(profile_manifest("brain"))
    await desk.play_all()
    assert (await desk.job()).status.phase == "Success"


async def test_a_profile_that_is_gone_stalls_the_job_that_was_planned_with_it(desk: Desk) -> None:
    await desk.cluster.create(profile_manifest("brain"))
    await submit(desk)
    await desk.settle()
    await desk.cluster.delete(BRAIN)
    await desk.settle()
    assert stalled(await desk.job()) == "ProfileNotFound"


async def test_a_profile_that_was_made_again_otherwise_is_not_the_planned_one(desk: Desk) -> None:
    await desk.cluster.create(profile_manifest("brain"))
    await submit(desk)
    await desk.settle()
    await redefine(desk)
    await desk.settle()
    job = await desk.job()
    assert stalled(job) == "InputChanged"
    assert "profile is no longer the one that was planned" in job.status.message


async def test_no_runner_starts_by_a_profile_that_changed_after_the_plan(desk: Desk) -> None:
    await desk.cluster.create(profile_manifest("brain"))
    await submit(desk)
    for _ in range(4):
        await desk.see_all()
        await desk.reconcile()
    await redefine(desk)
    await desk.see_all()
    await desk.admit()
    assert await desk.runner_jobs() == []


async def test_a_retry_under_another_profile_or_key_is_refused(desk: Desk) -> None:
    """Else one patient of one job would have two pseudonyms."""
    await bring_key(desk)
    await desk.cluster.create(profile_manifest("brain", keySecretRef={"name": "brain-key", "key": "key"}))
    await submit(desk)
    await desk.play_all()
    await redefine(desk)
    await desk.change({"retry": {"token": "again", "scope": "All"}})
    await desk.play_all()
    job = await desk.job()
    assert (job.status.phase, job.status.earlier_plans) == ("Success", ())
    assert "InputChanged: the pseudonymization profile is no longer the one" in job.status.message
    assert "new job" in job.status.message


async def test_a_job_is_planned_by_the_profile_that_there_is_though_its_watch_lags(desk: Desk) -> None:
    await desk.cluster.create(profile_manifest("brain", options=["RetainUIDs"]))
    await desk.see_all()
    await desk.cluster.delete(BRAIN)
    await desk.cluster.create(profile_manifest("brain"))
    await submit(desk)
    for manifest in (await desk.cluster.list("TransferJob")).items:
        desk.world.cache.put(manifest)
    for _ in range(3):
        await desk.reconcile()
    plan = (await desk.job()).status.plan
    assert plan is not None
    assert plan.profile_hash == Profile("brain", PseudonymizationProfileSpec()).hash


async def test_a_profile_that_was_deleted_plans_nothing_though_its_watch_lags(desk: Desk) -> None:
    await desk.cluster.create(profile_manifest("brain"))
    await desk.see_all()
    await desk.cluster.delete(BRAIN)
    await submit(desk)
    for manifest in (await desk.cluster.list("TransferJob")).items:
        desk.world.cache.put(manifest)
    await desk.reconcile()
    assert stalled(await desk.job()) == "ProfileNotFound"


async def test_the_trial_of_the_profile_marks_what_the_job_names_no_trial_for(desk: Desk) -> None:
    await desk.cluster.create(profile_manifest("brain", trial={"id": "T1"}))
    await submit(desk)
    await desk.settle()
    (job,) = await desk.runner_jobs()
    assert (await desk.cluster.get(task_set_of(job)))["spec"]["trial"] == {"id": "T1"}


@pytest.fixture
async def keyed(desk: Desk) -> Desk:
    """A profile that names a key, and a job of it."""
    await desk.cluster.create(profile_manifest("brain", keySecretRef={"name": "brain-key", "key": "key"}))
    await submit(desk)
    return desk


async def bring_key(desk: Desk, key: str = "k" * 32) -> None:
    await desk.cluster.create(secret_manifest("brain-key", {"key": key}, labels={"adit.dev/purpose": "key"}))


async def test_a_job_waits_for_the_key_that_its_profile_names_and_takes_it(keyed: Desk) -> None:
    await keyed.settle()
    assert stalled(await keyed.job()) == "KeyMissing"
    await bring_key(keyed)
    await keyed.play_all()
    job = await keyed.job()
    assert job.status.phase == "Success"
    assert job.status.plan is not None
    assert job.status.plan.key_id == KEY.id
    assert not (await keyed.cluster.list("ConfigMap")).items, "a key of a person's is marked by us"


async def test_the_namespaces_own_key_is_no_key_that_a_profile_names(desk: Desk) -> None:
    own = desk.world.settings.key_secret
    await desk.cluster.create(profile_manifest("brain", keySecretRef={"name": own, "key": "key"}))
    await submit(desk)
    await desk.settle()
    job = await desk.job()
    assert stalled(job) == "KeyMissing"
    assert "leave spec.keySecretRef out" in job.status.message


async def test_the_keys_of_two_profiles_do_not_stand_in_each_others_way(keyed: Desk) -> None:
    await bring_key(keyed)
    await keyed.play_all()
    await submit(keyed, "day", "basic")
    await keyed.play_all()
    first, second = (await keyed.job("night")).status.plan, (await keyed.job("day")).status.plan
    assert first is not None
    assert second is not None
    assert first.key_id != second.key_id
    assert (await keyed.job("day")).status.phase == "Success"


async def test_another_key_under_the_name_that_was_used_is_not_taken(keyed: Desk) -> None:
    await bring_key(keyed)
    await keyed.play_all()
    await keyed.cluster.delete(Ref("Secret", "default", "brain-key"))
    await bring_key(keyed, "x" * 32)
    await submit(keyed, "day")
    await keyed.settle()
    job = await keyed.job("day")
    assert stalled(job) == "KeyMissing"
    assert f"data was pseudonymized with key {KEY.id}" in job.status.message


async def test_a_profile_that_cannot_be_read_says_so(desk: Desk) -> None:
    await submit(desk)
    await desk.see_all()
    newer = {
        **profile_manifest("brain", futureField=1),
        "metadata": {"name": "brain", "uid": "u", "resourceVersion": "9"},
    }
    desk.world.cache.put(newer)
    await desk.reconcile()
    assert "cannot be read: " in (await desk.job()).status.message


async def test_an_object_of_a_built_in_name_is_left_out_with_the_reason(desk: Desk) -> None:
    ref = Ref(KIND, "default", "basic")
    manifest = profile_manifest("basic", options=["RetainUIDs"])
    manifest["metadata"] |= {"uid": "u", "resourceVersion": "9"}
    with structlog.testing.capture_logs() as told:
        desk.world.cache.put(manifest)
    assert ref not in desk.world.cache.profiles
    assert "the names of built-in profiles" in desk.world.cache.unreadable[ref]
    assert [one["reason"] for one in told] == [desk.world.cache.unreadable[ref]]
