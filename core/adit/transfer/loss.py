"""Why an expected instance did not reach the destination: the value that every step of the pipeline speaks in."""

from dataclasses import dataclass

from adit.errors import AditError, RetryableError
from adit.transfer.record import MAX_MESSAGE, Entry, Kind, Stage


@dataclass(frozen=True, slots=True)
class Loss:
    """The step that lost it, the coded reason, and whether trying again may help."""

    stage: Stage
    reason: str
    message: str = ""
    retryable: bool = False

    def entry(self, kind: Kind, *, series: str, instance: str = "", count: int = 1) -> Entry:
        """The line of the record; cut to its limits."""
        message = self.message if kind == "Lost" else f"the destination has it all the same: {self.message}"
        return Entry(
            kind=kind,
            stage=self.stage,
            reason=self.reason[:64],
            series=series[:64],
            instance=instance[:64],
            count=count,
            message=message[:MAX_MESSAGE],
        )


def loss_by(stage: Stage, error: AditError) -> Loss:
    """The loss of everything that an error kept from happening."""
    return Loss(stage, error.reason, error.message, retryable=isinstance(error, RetryableError))


NOT_RECEIVED = Loss("Fetch", "NotReceived", "the source listed it but did not send it, though asked twice")
LISTED_FEWER = Loss("Fetch", "ListedFewer", "the source counts more instances of the series than it names and sent")
NOT_ANSWERED = Loss("Store", "NotAnswered", "the destination gave no answer for it", retryable=True)
NOT_VERIFIED = Loss("Verify", "NotVerified", "the destination took it but does not answer it")
NOT_COUNTED = Loss("Verify", "NotVerified", "the destination counts fewer than it took; which ones it does not say")
