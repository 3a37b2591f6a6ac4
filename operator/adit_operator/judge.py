"""Judge: what the end of a Job means for its TaskSet. The runner's last word decides; no word is a crash. Pure."""

from dataclasses import dataclass

from adit.api.task_set import Override, Verdict
from adit_operator.observed import SeenJob, SeenSet

MAX_CRASHES = 3
RUNNER_CRASH = "RunnerCrash"
CANCELED = "Canceled"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict to write (None: nothing new), and what the end says about the peers."""

    verdict: Verdict | None = None
    unreachable: str | None = None
    proved: bool = False


def judge(seen: SeenSet, last_job: SeenJob | None, *, running: bool, held: bool, cancel: bool) -> Judgement:
    """Judge a set: count the end of its newest attempt once, close what will not be worked, say when it is finished.

    `running`: an unfinished Job or a live holder. `held`: a live holder. `cancel`: the job was shut down.
    """
    if seen.finished:
        return Judgement()
    old = Verdict(
        crashes=seen.crashes, judged_attempt=seen.judged_attempt, settled=seen.settled, overrides=seen.overrides
    )
    judgement = Judgement(old) if running else _end_of_attempt(seen, last_job, old)  # guard: running-is-not-judged
    verdict = judgement.verdict or old
    if cancel and not running:  # guard: running-is-not-overridden
        verdict = _override(verdict, _left_open(seen, verdict), "C", CANCELED)
    if not _left_open(seen, verdict) and not held:  # guard: held-is-not-finished
        verdict = verdict.model_copy(update={"finished": True})
    return Judgement(verdict if verdict != old else None, judgement.unreachable, judgement.proved)


def _end_of_attempt(seen: SeenSet, last_job: SeenJob | None, old: Verdict) -> Judgement:
    attempt = max(seen.attempt, last_job.attempt if last_job else -1)
    if attempt <= old.judged_attempt:  # guard: one-end-counts-once
        return Judgement(old)
    settled = len(seen.task_ids) - len(seen.open_ids)
    progress = settled > old.settled
    word = seen.ended if seen.attempt == attempt else None  # guard: word-of-this-attempt
    counted = old.model_copy(update={"judged_attempt": attempt, "settled": settled})
    if seen.attempt < attempt and last_job is not None and last_job.leaving:
        return Judgement(old.model_copy(update={"judged_attempt": attempt}))  # it never began: nobody crashed
    if word is None or (word.reason == "Done" and seen.open_ids):
        return Judgement(_crashed(seen, counted, crashes=1 if progress else old.crashes + 1))
    if progress:
        counted = counted.model_copy(update={"crashes": 0})
    if word.reason == "PeerUnavailable":
        return Judgement(counted, unreachable=word.message or "the peer does not answer")
    return Judgement(counted, proved=progress)


def _crashed(seen: SeenSet, verdict: Verdict, *, crashes: int) -> Verdict:
    """Three crashes without progress close the task that was worked, or all open ones where none is named."""
    if crashes < MAX_CRASHES:
        return verdict.model_copy(update={"crashes": crashes})
    blamed = (seen.current,) if seen.current in seen.open_ids else seen.open_ids
    closed = _override(verdict, tuple(name for name in blamed if name), "F", RUNNER_CRASH)
    return closed.model_copy(update={"crashes": 0, "settled": verdict.settled + len(blamed)})


def _override(verdict: Verdict, ids: tuple[str, ...], state: str, reason: str) -> Verdict:
    if not ids:
        return verdict
    new = tuple(Override.of({"id": name, "state": state, "reason": reason}) for name in ids)
    return verdict.model_copy(update={"overrides": (*verdict.overrides, *new)})


def _left_open(seen: SeenSet, verdict: Verdict) -> tuple[str, ...]:
    if not verdict.overrides:
        return seen.open_ids
    closed = {override.id for override in verdict.overrides}
    return tuple(name for name in seen.open_ids if name not in closed)
