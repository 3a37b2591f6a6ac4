from typing import Any

import pytest

from adit.api import labels
from adit.api.task_list import TaskList
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit.testing.cluster import secret_manifest, server_manifest
from adit_operator.cache import Cache
from adit_operator.plan import first_plan, task_sets
from adit_operator.testing.builders import JOB_UID, transfer_job


def versioned(manifest: Manifest, version: int, uid: str = "one", **status: Any) -> Manifest:
    metadata = {"namespace": "default", **manifest["metadata"], "uid": uid, "resourceVersion": str(version)}
    return {**manifest, "metadata": metadata, "status": status}


def task_set(version: int, uid: str = "one", **status: Any) -> Manifest:
    job = transfer_job(1)
    tasks = TaskList.of(job.spec.inline)
    made = next(task_sets(job, first_plan(job, tasks, None, None), tasks, [0]))
    return versioned(made, version, uid, **status)


REF = Ref.of(task_set(1))


def test_an_older_version_never_replaces_a_newer_one() -> None:
    cache = Cache()
    assert cache.put(task_set(5, runner={"states": "S"}))
    assert not cache.put(task_set(4))
    assert not cache.put(task_set(5))
    assert cache.sets[REF].states == ("S",)


def test_what_was_deleted_does_not_come_back() -> None:
    cache = Cache()
    cache.put(task_set(5))
    assert cache.remove(task_set(5))
    assert not cache.put(task_set(6))
    assert cache.sets == {}


def test_the_late_end_of_an_earlier_object_does_not_remove_its_successor() -> None:
    cache = Cache()
    cache.put(task_set(9, uid="two"))
    assert not cache.remove(task_set(5, uid="one"))
    assert cache.sets[REF].uid == "two"


def test_sets_are_found_by_their_owner_until_they_are_gone() -> None:
    cache = Cache()
    cache.put(task_set(5))
    assert [seen.uid for seen in cache.sets_of(JOB_UID)] == ["one"]
    cache.remove(task_set(6))
    assert cache.sets_of(JOB_UID) == ()


@pytest.mark.parametrize("set_first", [True, False])
def test_a_set_that_names_an_owner_of_another_namespace_is_nobodys(set_first: bool) -> None:  # noqa: FBT001 - a parameter of the table
    cache, owner = Cache(), versioned(transfer_job(1).manifest(), 3, uid=JOB_UID)
    forged = task_set(5)
    forged["metadata"]["namespace"] = "lab"
    for one in (forged, owner) if set_first else (owner, forged):
        cache.put(one)
    cache.put(task_set(6, uid="two"))
    assert [seen.uid for seen in cache.sets_of(JOB_UID)] == ["two"]
    assert cache.sets[Ref.of(forged)].owner_uid is None
    assert cache.remove({**forged, "metadata": forged["metadata"] | {"resourceVersion": "9"}})
    assert [seen.uid for seen in cache.sets_of(JOB_UID)] == ["two"]


def test_a_listing_drops_what_it_does_not_hold_but_nothing_newer() -> None:
    cache = Cache()
    cache.put(versioned(server_manifest("old"), 3))
    cache.put(versioned(server_manifest("new"), 9, uid="two"))
    cache.replace("DicomServer", [], "5")
    assert [ref.name for ref in cache.servers] == ["new"]


def test_a_listing_of_one_purpose_leaves_the_secrets_of_another() -> None:
    cache = Cache()
    key = secret_manifest("key", {"key": "x"}, labels={labels.PURPOSE: "key"})
    cache.put(versioned(key, 3))
    cache.replace("Secret", [], "5", purpose="credential")
    assert [ref.name for ref in cache.secrets] == ["key"]
    cache.replace("Secret", [], "6", purpose="key")
    assert cache.secrets == {}


def labelled(version: int) -> Manifest:
    return versioned(secret_manifest("token", {"header": "x"}, labels={labels.PURPOSE: "credential"}), version)


def test_a_secret_that_was_deleted_while_it_was_listed_does_not_come_back() -> None:
    cache = Cache()
    cache.put(labelled(3))
    cache.remove(labelled(7))
    cache.replace("Secret", [labelled(3)], "5", purpose="credential")
    assert cache.secrets == {}


def test_a_secret_that_lost_its_label_may_get_it_back() -> None:
    cache = Cache()
    cache.put(labelled(3))
    cache.remove(labelled(7))
    assert cache.put(labelled(8))
    cache.replace("Secret", [], "9", purpose="credential")
    assert cache.put(labelled(10))


def test_what_cannot_be_read_is_remembered_until_it_can() -> None:
    cache = Cache()
    cache.put(task_set(5, runner={"states": "not letters"}))
    assert "status.runner.states" in cache.unreadable[REF]
    assert cache.sets == {}
    cache.put(task_set(6))
    assert cache.unreadable == {}
    assert REF in cache.sets


def test_the_keys_of_a_namespace_are_known_while_a_job_names_them() -> None:
    cache = Cache()
    plan = first_plan(transfer_job(1), TaskList.of(transfer_job(1).spec.inline), "0" * 16, None).manifest()
    for version, (name, uid) in enumerate((("night", "one"), ("day", "two")), start=1):
        cache.put(versioned(transfer_job(1, name=name).manifest(), version, uid=uid, plan=plan))
    assert cache.key_ids("default") == {"0" * 16}
    cache.forget(Ref("TransferJob", "default", "night"))
    assert cache.key_ids("default") == {"0" * 16}
    cache.forget(Ref("TransferJob", "default", "day"))
    assert cache.key_ids("default") == frozenset()
