"""A written job's tasks in Secrets of the same files: checked as the operator will, before anything runs."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from adit.api.labels import PURPOSE
from adit.api.pseudonymization_profile import PseudonymSource
from adit.api.task_lines import TaskSource, read_task_list
from adit.api.transfer_job import TransferJobSpec, pseudonym_rule
from adit.cluster.kinds import Ref
from adit.errors import BadInput

PURPOSE_TASKS = "tasks"


def check_list(
    job: Mapping[str, Any], secrets: Mapping[Ref, Mapping[str, Any]], source: PseudonymSource | None = None
) -> list[tuple[str, str]]:
    """Check a job's lists as far as their Secrets are given; answers field path and sentence of what is not there.

    Raises BadInput with all that is wrong in the lists. Rules across tasks are asked only where every list is given;
    `source` as of `pseudonym_rule`.
    """
    spec = TransferJobSpec.of(job["spec"])
    sources, missing = [], []
    for position, one in enumerate(spec.tasks_from or ()):
        ref = Ref("Secret", job["metadata"]["namespace"], one.secret_ref.name)
        path = f"spec.tasksFrom[{position}].secretRef"
        if ref not in secrets:
            missing.append((path, f"Secret {ref.name} is not in these files: {_needed(ref)}"))
            continue
        content = secrets[ref].get("data", {}).get(one.secret_ref.key)
        if content is None:
            raise BadInput(f"Secret {ref.name} has no key {one.secret_ref.key}", reason="TasksMissing")
        if secrets[ref]["metadata"].get("labels", {}).get(PURPOSE) not in (None, PURPOSE_TASKS):
            raise BadInput(f"Secret {ref.name} is labelled for another purpose: {_needed(ref)}", reason="TasksMissing")
        sources.append(TaskSource(ref.name, one.secret_ref.key, _bytes(content)))
    if sources:
        read_task_list(sources, rule=pseudonym_rule(spec.pseudonymization, source))
    return missing


def _needed(ref: Ref) -> str:
    return f"it must be in namespace {ref.namespace} with the label {PURPOSE}: {PURPOSE_TASKS} before the job runs"


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("a value of a Secret is not base64") from error
