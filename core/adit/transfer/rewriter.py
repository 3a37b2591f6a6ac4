"""The rewriting step of the pipeline as a protocol, and the one that leaves everything alone."""

from dataclasses import dataclass
from typing import Protocol

from adit.transfer.instance import Instance
from adit.transfer.outcomes import RewriteOutcome, Rewritten


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the instances of a task become, and for which trial; all empty on an identified transfer without trial."""

    pseudonym: str | None = None
    trial_id: str | None = None
    trial_name: str | None = None


class Rewriter(Protocol):
    """Turns an encoded instance into one that may leave."""

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:
        """Rewrite head and trailer, leave the pixel value where it lies; a malformed data set is Quarantined."""
        ...

    def rewritten_uid(self, original_uid: str) -> str:
        """The UID that an original becomes: the same in every process and run of one key."""
        ...


class PassThrough:
    """The identified transfer: byte for byte what arrived, never decoded."""

    def rewrite(self, instance: Instance, subject: Subject) -> RewriteOutcome:  # noqa: ARG002 - there is nobody to become
        """Let it pass as it is."""
        return Rewritten(instance.sop_instance_uid, instance)

    def rewritten_uid(self, original_uid: str) -> str:
        """Itself."""
        return original_uid
