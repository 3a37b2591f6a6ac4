"""Pseudonyms that the operator makes: where the profile says Derived or Random, of project key and patient. Pure."""

from collections.abc import Callable

from adit.api.task_list import TaskList
from adit.api.tasks import TransferTask
from adit.pseudonymization.key import ProjectKey
from adit.pseudonymization.keyring import Keyring
from adit.pseudonymization.patient import normalised_id
from adit.pseudonymization.profile import Profile
from adit_operator.key import UseKey, key_decision
from adit_operator.observed import KeySeen, Waiting

# The pseudonym of a task's patient: the same at every look, and in every round of the job.
Maker = Callable[[TransferTask], str]


def maker_of(profile: Profile | None, key: KeySeen, job_uid: str) -> Maker | None:
    """What makes the job's pseudonyms; None where its tasks bring them, or while there is no key."""
    if profile is None or profile.spec.pseudonym_source == "Given":
        return None
    decision = key_decision(key)
    if not isinstance(decision, UseKey):
        return None
    return _maker(decision.key, job_uid if profile.spec.pseudonym_source == "Random" else "")


def _maker(key: ProjectKey, salt: str) -> Maker:
    keyring = Keyring(key)
    return lambda task: keyring.derived_pseudonym(*task.patient, salt)


def with_pseudonym(task: TransferTask, make: Maker | None) -> TransferTask:
    """The task under its made pseudonym, or under the one that it brought."""
    return task if make is None else task.model_copy(update={"pseudonym": make(task)})


def collision(tasks: TaskList, make: Maker) -> Waiting | None:
    """Why the job cannot be planned, if two of its patients would get one pseudonym; neither is named."""
    first: dict[str, tuple[tuple[str, ...], str]] = {}
    for position in range(len(tasks)):
        (task,) = tasks.part(position, position + 1)
        patient = tuple(map(normalised_id, task.patient))
        known, name = first.setdefault(make(task), (patient, str(task.id)))
        if known != patient:
            return Waiting(
                "PseudonymCollision",
                f"the patients of tasks {name} and {task.id} would get the same pseudonym: move one of them in a job "
                "of a profile with pseudonymSource Given, under a pseudonym of your own",
            )
    return None
