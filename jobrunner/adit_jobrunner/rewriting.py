"""Which rewriter a TaskSet's instances pass, and whom they become."""

from adit.api.task_set import TaskSetSpec
from adit.api.tasks import TransferTask
from adit.errors import BadInput
from adit.transfer.rewriter import PassThrough, Rewriter, Subject
from adit_jobrunner.config import Config


def rewriter_for(config: Config, spec: TaskSetSpec) -> Rewriter:
    """The profile's pseudonymizer, the trial marker of an identified transfer, or nothing at all.

    Raises BadInput where the TaskSet does not say for certain which: nothing is moved identified by omission.
    """
    _require_one_meaning(config, spec)
    if config.profile is None and spec.trial is None:
        return PassThrough()
    # Loaded only by those who need it: an identified transfer stays small.
    from adit.pseudonymization.pseudonymizer import Pseudonymizer  # noqa: PLC0415 - memory, see above
    from adit.pseudonymization.trial_marker import TrialMarker  # noqa: PLC0415 - as above

    if config.profile is None:
        return TrialMarker()
    assert config.key is not None
    return Pseudonymizer(config.profile, config.key, frozenset(config.settings.exclude_modalities))


def _require_one_meaning(config: Config, spec: TaskSetSpec) -> None:
    if config.profile is None and (spec.key_id or any(task.pseudonym for task in spec.tasks)):
        raise BadInput("a TaskSet with pseudonyms names no profile", reason="ProfileMissing")
    if (config.profile is None) != spec.identified:
        raise BadInput("a TaskSet names either a profile or identified: true", reason="ProfileMissing")


def subject_of(task: TransferTask, spec: TaskSetSpec) -> Subject:
    """Whom the instances of a task become."""
    trial = spec.trial
    return Subject(
        pseudonym=task.pseudonym if spec.profile is not None else None,
        trial_id=trial.id if trial else None,
        trial_name=trial.name if trial else None,
    )


def job_folder(job: str, created_at: str, requested_by: str) -> str:
    """The folder of a job in a DicomFolder, as ADIT names it: adit_transfer_<job>_<YYYYMMDD>_<requester>."""
    day = created_at[:10].replace("-", "")
    return "_".join(("adit_transfer", job, *(part for part in (day, requested_by) if part)))
