"""Where a study's files go in a folder: names made of rewritten values only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """The folder names of one study, unsanitised; a connector guards each part before it becomes a path.

    ADIT's layout: <job folder>/<patient>/<study folder>/<series folder>/<SOPInstanceUID>.dcm. The series folder comes
    from each instance's own (rewritten) head.
    """

    job_folder: str
    modalities: tuple[str, ...] = ()
