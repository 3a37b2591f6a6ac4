"""How each guard is taken out of a copy of the source: on its marked line, this text becomes that."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Removal:
    """One guard: the line ends with `# guard: <name>`."""

    file: str
    text: str
    instead: str


REMOVALS: Mapping[str, Removal] = {
    "children-before-status": Removal("adit_operator/apply.py", "not all([*stops, *in_pace])", "False"),
    "verdicts-before-status": Removal("adit_operator/apply.py", "len(verdicts) < len(decision.verdicts)", "False"),
    "verdict-on-what-was-seen": Removal("adit_operator/apply.py", "write.seen.resource_version", "None"),
    "status-on-what-was-read": Removal("adit_operator/apply.py", 'manifest["metadata"]["resourceVersion"]', "None"),
    "unfinished-job-takes-a-slot": Removal("adit_operator/slots.py", "not job.finished", "False"),
    "holder-takes-a-slot": Removal("adit_operator/slots.py", "seen.uid in held and seen.uid not in working", "False"),
    "token-opens-one-round": Removal(
        "adit_operator/after.py", "retry is None or retry.token == old.observed_retry_token", "retry is None"
    ),
    "grants-at-every-reconcile": Removal("adit_operator/accept.py", "_not_granted(seen)", "()"),
    "finished-round-is-terminal": Removal("adit_operator/decide.py", "terminal(seen.job)", "False"),
    "retry-outside-scope": Removal("adit_operator/rounds.py", "[name for name in only if name not in inside]", "[]"),
    "unlabelled-is-unread": Removal("adit_operator/project.py", "purpose is None", "False"),
    "granted-before-a-start": Removal("adit_operator/census.py", " and granted(cache, transfer)", ""),
    "asked-again-before-a-start": Removal(
        "adit_operator/start.py", "not still_startable(world.cache, transfer, seen, allocation)", "False"
    ),
    "leaving-starts-nothing": Removal("adit_operator/admission.py", "transfer.leaving", "False"),
    "claimed-is-not-given-up": Removal(
        "adit_operator/unstarted.py", "fresh is None or _begun(world, fresh, one.job)", "fresh is None"
    ),
    "unanswered-takes-a-slot": Removal(
        "adit_operator/start.py", "world.orders.attempted[Ref.of(job)] = seen_job(job)", "seen_job(job)"
    ),
    "one-runner-per-set": Removal("adit_operator/admission.py", "and seen.ref not in allocation.sets", ""),
    "judged-before-next": Removal("adit_operator/admission.py", "and seen.judged_attempt >= newest_attempt", ""),
    "cap": Removal("adit_operator/room.py", "count > self._free[name]", "False"),
    "plan-once": Removal(
        "adit_operator/plan.py",
        "tasks is None or tasks.sha256 != plan.tasks_hash",
        "tasks is None",
    ),
    "running-is-not-judged": Removal("adit_operator/judge.py", "Judgement(old) if running else ", ""),
    "running-is-not-overridden": Removal("adit_operator/judge.py", "cancel and not running", "cancel"),
    "held-is-not-finished": Removal("adit_operator/judge.py", " and not held", ""),
    "one-end-counts-once": Removal("adit_operator/judge.py", "attempt <= old.judged_attempt", "attempt < 0"),
    "word-of-this-attempt": Removal("adit_operator/judge.py", " if seen.attempt == attempt else None", ""),
    "held-is-running": Removal("adit_operator/observed.py", "seen.uid in self.held", "False"),
    "deleted-stays-deleted": Removal("adit_operator/cache.py", "version < self._deleted.get(uid, 0)", "False"),
    "owner-in-its-namespace": Removal(
        "adit_operator/cache.py", "owner is not None and owner.namespace != seen.ref.namespace", "False"
    ),
    "older-never-replaces-newer": Removal(
        "adit_operator/cache.py", "known is not None and version <= known[1]", "False"
    ),
    "only-orphans-are-swept": Removal(
        "adit_operator/sweep.py", "job.owner_uid not in owners or job.task_set_uid not in sets", "True"
    ),
    "unreadable-is-not-gone": Removal(
        "adit_operator/sweep.py", 'cache.uids("TaskSet")', "{one.uid for one in cache.sets.values()}"
    ),
    "unseen-is-not-gone": Removal(
        "adit_operator/sweep.py", "watched and job.task_set.namespace not in watched", "False"
    ),
    "unjudged-is-kept": Removal("adit_operator/sweep.py", "job.attempt < seen.judged_attempt", "True"),
    "removes-what-was-seen": Removal("adit_operator/apply.py", "removal.uid, removal.resource_version", "None, None"),
    "gitops-owned-is-not-deleted": Removal("adit_operator/retention.py", " and tool is None", ""),
    "compacted-is-not-repeated": Removal("adit_operator/after.py", "compacted(seen.job)", "False"),
    "over-when-all-finished": Removal("adit_operator/follow.py", " and all(one.finished for one in now_own)", ""),
    "owner-uid": Removal("adit_operator/follow.py", "taken is not None", "False"),
    "key-never-made-twice": Removal("adit_operator/key.py", "if traces:", "if False:"),
    "no-table-unasked": Removal("adit_operator/gather.py", "profile.spec.mapping_table", "True"),
    "named-key-is-not-made": Removal("adit_operator/key.py", "seen.profile is not None", "False"),
    "profile-as-planned": Removal(
        "adit_operator/start.py", "(profile.hash if profile else None) != transfer.profile_hash", "False"
    ),
    "lost-writes-nothing": Removal("adit_jobrunner/flush.py", "control.lost", "False"),
    "claim-needs-the-lease": Removal("adit_jobrunner/claim.py", "not held", "False"),
    "claim-is-versioned": Removal("adit_jobrunner/claim.py", "resource_version=version", "resource_version=None"),
    "claim-not-after-judgement": Removal("adit_jobrunner/claim.py", "judged_attempt(seen) >= attempt", "False"),
    "claim-spares-the-living": Removal("adit_jobrunner/claim.py", "not lease.expired(uid, holder)", "False"),
    "conflict-checks-holder": Removal("adit_jobrunner/status.py", "holder_uid(fresh) != self._pod_uid", "False"),
    "conflict-checks-verdict": Removal("adit_jobrunner/status.py", "judged_attempt(fresh) >= self._attempt", "False"),
}


def without(source: str, guard: str, removal: Removal) -> str:
    """The source without this guard. Raises ValueError where its line is not what it was."""
    lines = source.split("\n")
    marked = [number for number, line in enumerate(lines) if line.endswith(f"# guard: {guard}")]
    if len(marked) != 1 or removal.text not in lines[marked[0]]:
        raise ValueError(f"{removal.file}: no line is marked `# guard: {guard}` and says {removal.text!r}")
    lines[marked[0]] = lines[marked[0]].replace(removal.text, removal.instead, 1)
    return "\n".join(lines)


def guards_in(root: Path) -> dict[str, str]:
    """Every guard that is marked in a package below a source root: its name, and its file."""
    found = {}
    for file in sorted(root.rglob("*.py")):
        for line in file.read_text(encoding="utf-8").split("\n"):
            _, mark, name = line.partition("# guard: ")
            if mark:
                found[name.strip()] = str(file.relative_to(root))
    return found
