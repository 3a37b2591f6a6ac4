"""The rules across the tasks of a job: a consistent job has no problem, and each way to spoil it is found."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adit.api.manifests import ManifestErrors, read
from adit.api.tasks import MAX_INLINE_BYTES, inline_bytes
from adit.api.transfer_job import INTO_SECRETS, TransferJobSpec, retry_problems, validate_transfer_job
from adit.pseudonymization.profile import BUILT_IN, Profile

Task = dict[str, Any]


def spec_of(tasks: list[Task], **fields: Any) -> TransferJobSpec:
    base = {
        "source": {"name": "pacs"},
        "destination": {"name": "research"},
        "pseudonymization": {"profile": "adit-compatible"},
    }
    return TransferJobSpec.of({**base, "tasks": tasks, **fields})


# The ways to move a study: whole, one series, two series in two tasks, three in two.
PARTS: list[list[list[int]]] = [[[]], [[1]], [[1], [2]], [[1, 2], [3]]]


@st.composite
def consistent_tasks(draw: st.DrawFn) -> list[Task]:
    """Tasks in any order: a pseudonym per patient, a patient per study, and each series moved once."""
    tasks: list[Task] = []
    studies = iter(range(1, 1000))
    for patient in range(draw(st.integers(1, 4))):
        for study in [next(studies) for _ in range(draw(st.integers(1, 3)))]:
            parts: list[list[int]] = draw(st.sampled_from(PARTS))
            tasks.extend(
                {
                    "patientId": f"patient-{patient}",
                    "pseudonym": f"P{patient}",
                    "studyInstanceUid": f"1.2.{study}",
                    "seriesInstanceUids": [f"1.2.{study}.{series}" for series in part],
                }
                for part in parts
            )
    tasks = draw(st.permutations(tasks))
    if draw(st.booleans()):
        for position, task in enumerate(tasks):
            task["id"] = f"task-{position}"
    return tasks


@given(consistent_tasks())
def test_a_consistent_job_has_no_problem(tasks: list[Task]) -> None:
    assert validate_transfer_job(spec_of(tasks)) == []


@given(consistent_tasks())
def test_a_consistent_identified_job_has_no_problem(tasks: list[Task]) -> None:
    plain = [{name: value for name, value in task.items() if name != "pseudonym"} for task in tasks]
    assert validate_transfer_job(spec_of(plain, pseudonymization={"identified": True, "reason": "ours"})) == []


def append(tasks: list[Task], at: int, **fields: Any) -> tuple[list[Task], int]:
    """With one more task at the end, like the one at `at` but for these fields."""
    new = {name: value for name, value in tasks[at].items() if name != "id"} | fields
    return [*tasks, {name: value for name, value in new.items() if value is not None}], len(tasks)


Spoil = Callable[[list[Task], int], tuple[list[Task], int]]
OTHER_STUDY = {"studyInstanceUid": "1.2.5000", "seriesInstanceUids": []}
SPOILERS: dict[str, tuple[Spoil, str, str]] = {
    "the same again": (append, "studyInstanceUid", "already moves this study or one of these series"),
    "the whole study of which series are moved": (
        lambda tasks, at: append(tasks, at, seriesInstanceUids=[]),
        "studyInstanceUid",
        "already moves this study or one of these series",
    ),
    "another patient for the same study": (
        lambda tasks, at: append(tasks, at, patientId="somebody", pseudonym="Q", seriesInstanceUids=["1.9"]),
        "patientId",
        "gives the same study another patient",
    ),
    "another pseudonym for the same patient": (
        lambda tasks, at: append(tasks, at, **OTHER_STUDY, pseudonym="Q"),
        "pseudonym",
        "gives the same patient another pseudonym",
    ),
    "the same pseudonym for another patient": (
        lambda tasks, at: append(tasks, at, **OTHER_STUDY, patientId="somebody"),
        "pseudonym",
        "gives this pseudonym to another patient",
    ),
    "no pseudonym": (
        lambda tasks, at: append(tasks, at, **OTHER_STUDY, pseudonym=None),
        "pseudonym",
        "is required, because the job pseudonymizes",
    ),
    "a series twice": (
        lambda tasks, at: append(tasks, at, **{**OTHER_STUDY, "seriesInstanceUids": ["1.9", "1.9"]}),
        "seriesInstanceUids",
        "names a series twice",
    ),
    "an id twice": (
        lambda tasks, at: append(tasks, at, **OTHER_STUDY, id=tasks[at].get("id", f"t{at}")),
        "id",
        "duplicate of the id of",
    ),
}


@pytest.mark.parametrize(("spoil", "field", "sentence"), SPOILERS.values(), ids=SPOILERS)
@given(data=st.data())
def test_one_inconsistent_task_is_found_with_its_place(
    data: st.DataObject, spoil: Spoil, field: str, sentence: str
) -> None:
    tasks = data.draw(consistent_tasks())
    spoiled, place = spoil(tasks, data.draw(st.integers(0, len(tasks) - 1)))
    found = validate_transfer_job(spec_of(spoiled))
    assert any(one.startswith(f"spec.tasks[{place}].{field}: ") and sentence in one for one in found), found
    assert all(one.startswith(f"spec.tasks[{place}].") for one in found), found


def test_an_id_equal_to_the_position_of_another_task_is_a_duplicate() -> None:
    tasks = [
        {"id": "t1", "patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "A"},
        {"patientId": "1", "studyInstanceUid": "1.3", "pseudonym": "A"},
    ]
    assert validate_transfer_job(spec_of(tasks)) == ["spec.tasks[1].id: duplicate of the id of tasks[0]"]


def test_a_pseudonym_in_an_identified_job_is_refused() -> None:
    tasks = [{"patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "A"}]
    spec = spec_of(tasks, pseudonymization={"identified": True, "reason": "ours"})
    assert validate_transfer_job(spec) == [
        "spec.tasks[0].pseudonym: has no effect on an identified transfer: remove it, or give a profile instead"
    ]


def test_the_size_of_the_tasks_is_that_of_compact_json() -> None:
    spec = spec_of([{"patientId": "Müller", "studyInstanceUid": "1.2", "pseudonym": "A"}])
    assert inline_bytes(spec.inline) == len(
        '[{"patientId":"Müller","studyInstanceUid":"1.2","seriesInstanceUids":[],"pseudonym":"A"}]'.encode()
    )


def test_too_many_bytes_of_tasks_are_refused() -> None:
    series = [f"1.2.{'9' * 50}.{n}" for n in range(100)]
    tasks = [
        {"patientId": str(n), "studyInstanceUid": f"1.3.{n}", "pseudonym": f"P{n}", "seriesInstanceUids": series}
        for n in range(40)
    ]
    (problem,) = validate_transfer_job(spec_of(tasks))
    assert problem.startswith("spec.tasks: ")
    assert problem.endswith(f"at most 200 KiB: {INTO_SECRETS}")
    assert inline_bytes(spec_of(tasks[:30]).inline) < MAX_INLINE_BYTES
    assert validate_transfer_job(spec_of(tasks[:30])) == []


@pytest.mark.parametrize(("ids", "wrong"), [(["t0"], []), (["t1", "t2"], [1]), ([], [])])
def test_a_retry_names_tasks_of_the_job(ids: list[str], wrong: list[int]) -> None:
    tasks = [
        {"patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "A"},
        {"patientId": "1", "studyInstanceUid": "1.3", "pseudonym": "A"},
    ]
    spec = spec_of(tasks, retry={"token": "again", "scope": "All", "tasks": ids})
    assert retry_problems(spec) == [f"spec.retry.tasks[{n}]: no task of this job has this id" for n in wrong]


@given(consistent_tasks())
def test_a_spec_written_and_read_again_is_the_same(tasks: list[Task]) -> None:
    spec = spec_of(tasks)
    assert TransferJobSpec.of(spec.manifest()) == spec


def test_a_file_and_a_spec_are_told_the_same_sentence() -> None:
    tasks = [
        {"patientId": "1", "studyInstanceUid": "1.2", "pseudonym": "A"},
        {"patientId": "2", "studyInstanceUid": "1.3", "pseudonym": "A"},
    ]
    (sentence,) = validate_transfer_job(spec_of(tasks))
    manifest = {
        "apiVersion": "adit.dev/v1alpha1",
        "kind": "TransferJob",
        "metadata": {"name": "night"},
        "spec": spec_of(tasks).manifest(),
    }
    with pytest.raises(ManifestErrors) as caught:
        read(yaml.safe_dump(manifest), "x.yaml")
    assert str(caught.value).startswith(f"x.yaml: TransferJob/night: {sentence} (line ")


OWN = {"profile": "brain"}


@given(consistent_tasks())
def test_where_the_profile_makes_pseudonyms_no_task_may_bring_one(tasks: list[Task]) -> None:
    spec = spec_of(tasks, pseudonymization=OWN)
    assert validate_transfer_job(spec, "Derived") == validate_transfer_job(spec, "Random")
    assert validate_transfer_job(spec, "Derived") == [
        f"spec.tasks[{position}].pseudonym: is made by the profile (pseudonymSource Derived or Random): remove it"
        for position in range(len(tasks))
    ]
    bare = [{name: value for name, value in task.items() if name != "pseudonym"} for task in tasks]
    assert validate_transfer_job(spec_of(bare, pseudonymization=OWN), "Derived") == []


@given(consistent_tasks())
def test_of_an_unknown_profile_tasks_may_bring_pseudonyms_or_not(tasks: list[Task]) -> None:
    bare = [{name: value for name, value in task.items() if name != "pseudonym"} for task in tasks]
    assert validate_transfer_job(spec_of(tasks, pseudonymization=OWN)) == []
    assert validate_transfer_job(spec_of(bare, pseudonymization=OWN)) == []
    assert len(validate_transfer_job(spec_of(bare, pseudonymization=OWN), "Given")) == len(bare)


@pytest.mark.parametrize("profile", BUILT_IN.values(), ids=BUILT_IN)
def test_of_a_built_in_profile_the_rule_is_known_everywhere(profile: Profile) -> None:
    bare = [{"patientId": "1", "studyInstanceUid": "1.2"}]
    spec = spec_of(bare, pseudonymization={"profile": profile.name})
    assert validate_transfer_job(spec) == validate_transfer_job(spec, profile.spec.pseudonym_source) != []


def test_the_same_number_of_two_issuers_is_two_patients() -> None:
    tasks = [
        {"patientId": "1", "issuerOfPatientId": "A", "studyInstanceUid": "1.2", "pseudonym": "P1"},
        {"patientId": "1", "issuerOfPatientId": "B", "studyInstanceUid": "1.3", "pseudonym": "P2"},
    ]
    assert validate_transfer_job(spec_of(tasks)) == []
    tasks[1]["pseudonym"] = "P1"
    assert validate_transfer_job(spec_of(tasks)) == [
        "spec.tasks[1].pseudonym: tasks[0] gives this pseudonym to another patient"
    ]
    tasks[1] |= {"issuerOfPatientId": "A", "pseudonym": "P2"}
    assert validate_transfer_job(spec_of(tasks)) == [
        "spec.tasks[1].pseudonym: tasks[0] gives the same patient another pseudonym"
    ]
