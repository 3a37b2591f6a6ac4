"""What may change in a spec once it stands: the verbs, and nothing else.

The API server asks the same by the CEL rules that `crd.py` writes; the embedded cluster asks `violations`.
"""

from typing import Any

from adit.api.resource import RESOURCES
from adit.api.rules import Rule, unchanged
from adit.api.schema import Schema, structural, with_defaults
from adit.api.transfer_job import TRANSFER_JOB_VERBS

# The kinds with an immutable spec, and the fields that may change nevertheless. Other kinds may change freely.
VERBS: dict[str, tuple[str, ...]] = {
    "TransferJob": TRANSFER_JOB_VERBS,
    "PseudonymizationProfile": (),
    "TaskSet": ("stop",),
}
_REMEDY = {
    "TransferJob": "is immutable; make a new TransferJob",
    "PseudonymizationProfile": "is immutable; a new version is a new PseudonymizationProfile of another name",
    "TaskSet": "is immutable; only stop may change, the operator makes a new TaskSet",
}
SHUTDOWN = Rule(
    "!has(oldSelf.shutdown) || (has(self.shutdown) && (self.shutdown == oldSelf.shutdown"
    " || self.shutdown == 'Immediate'))"
    " || (has(self.retry) && (!has(oldSelf.retry) || self.retry.token != oldSelf.retry.token))",
    "shutdown may be taken back only together with a new retry token",
)


def spec_schema(kind: str) -> Schema:
    """The structural schema of a kind's spec."""
    schema: Schema = structural(RESOURCES[kind])["properties"]["spec"]
    return schema


def immutable_fields(kind: str) -> tuple[str, ...]:
    """The fields of a kind's spec that never change, by their names in YAML."""
    verbs = VERBS.get(kind)
    return () if verbs is None else tuple(name for name in spec_schema(kind)["properties"] if name not in verbs)


def transition_rules(kind: str) -> tuple[Rule, ...]:
    """The CEL rules that hold between the old spec of a kind and its new one."""
    if kind not in VERBS:
        return ()
    fields = immutable_fields(kind)
    message = f"{', '.join(fields)}: {_REMEDY[kind]}"
    return (unchanged(fields, message), *([SHUTDOWN] if kind == "TransferJob" else []))


def violations(kind: str, old_spec: dict[str, Any], new_spec: dict[str, Any]) -> list[str]:
    """What a change of a spec may not do, one sentence per field, with its path; nothing where all is allowed.

    Values are compared as the API server keeps them: an absent field equals its default.
    """
    if kind not in VERBS:
        return []
    schema = spec_schema(kind)
    old, new = with_defaults(schema, old_spec), with_defaults(schema, new_spec)
    names = dict.fromkeys([*immutable_fields(kind), *old, *new])
    changed = [name for name in names if name not in VERBS[kind] and _differs(name, old, new)]
    problems = [f"spec.{name}: {_REMEDY[kind]}" for name in changed]
    if kind == "TransferJob" and not _shutdown_may_become(old, new):
        problems.append(f"spec.shutdown: {SHUTDOWN.message.removeprefix('shutdown ')}")
    return problems


def _differs(name: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    return (name in old) != (name in new) or old.get(name) != new.get(name)


def _shutdown_may_become(old: dict[str, Any], new: dict[str, Any]) -> bool:
    before, after = old.get("shutdown"), new.get("shutdown")
    if before is None or after in (before, "Immediate"):
        return True
    token = (new.get("retry") or {}).get("token")
    return token is not None and token != (old.get("retry") or {}).get("token")
