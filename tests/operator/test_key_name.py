"""ANONYMIZATION_SEED: the project key under another name, in each job's namespace."""

from dataclasses import replace

import pytest

from adit.cluster.cluster import ObjectNotFound
from adit.cluster.kinds import Ref
from adit.testing.cluster import secret_manifest, transfer_job_manifest
from adit_operator.settings import OperatorSettings
from adit_operator.testing.desk import Desk

NAMED = OperatorSettings(key_secret="study-key", writes_per_second=1000, status_seconds=0)  # a name
TASKS = [{"patientId": "P0", "studyInstanceUid": "1.2.1", "pseudonym": "A0"}]


@pytest.fixture
async def named(desk: Desk) -> Desk:
    """An operator that was told another name, and a job that pseudonymizes."""
    desk.world = replace(desk.world, settings=NAMED)
    job = transfer_job_manifest("night")
    spec = {**job["spec"], "pseudonymization": {"profile": "adit-compatible"}, "tasks": TASKS}
    await desk.cluster.create({**job, "spec": spec})
    return desk


async def test_the_key_and_its_marker_are_made_under_the_name(named: Desk) -> None:
    await named.play_all()
    plan = (await named.job()).status.plan
    assert plan is not None
    marker = await named.cluster.get(Ref("ConfigMap", "default", "study-key-id"))
    assert marker["data"]["id"] == plan.key_id
    assert await named.cluster.get(Ref("Secret", "default", "study-key"))
    with pytest.raises(ObjectNotFound):
        await named.cluster.get(Ref("Secret", "default", "adit-project-key"))
    assert (await named.job()).status.phase == "Success"


async def test_a_key_under_the_usual_name_is_not_taken_for_it(named: Desk) -> None:
    other = secret_manifest("adit-project-key", {"key": "k" * 32}, labels={"adit.dev/purpose": "key"})
    made = await named.cluster.create(other)
    await named.play_all()
    assert await named.cluster.get(Ref.of(made)) == made
    assert await named.cluster.get(Ref("Secret", "default", "study-key"))


async def test_another_name_than_before_is_no_reason_to_make_another_key(named: Desk) -> None:
    await named.play_all()
    named.world = replace(named.world, settings=replace_name("new-key"))
    named.world.cache.markers.clear()
    job = transfer_job_manifest("day")
    spec = {**job["spec"], "pseudonymization": {"profile": "adit-compatible"}, "tasks": TASKS}
    await named.cluster.create({**job, "spec": spec})
    await named.settle()
    assert "Secret new-key is gone" in (await named.job("day")).status.message
    with pytest.raises(ObjectNotFound):
        await named.cluster.get(Ref("Secret", "default", "new-key"))


def replace_name(name: str) -> OperatorSettings:
    return NAMED.model_copy(update={"key_secret": name})
