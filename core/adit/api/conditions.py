"""Conditions: what an object says of itself, in Kubernetes' own shape (meta/v1 Condition)."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from adit.api.fields import Message, Reason, Timestamp
from adit.api.model import Model

ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(Model):
    """One statement about an object; `lastTransitionTime` moves only when `status` flips."""

    type: Annotated[str, Field(max_length=64)]
    status: ConditionStatus
    reason: Reason
    message: Message = ""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    last_transition_time: Timestamp


def with_condition(conditions: Sequence[Condition], new: Condition) -> tuple[Condition, ...]:
    """Replace the condition of the same type, keeping its transition time when the status did not flip."""
    kept: list[Condition] = []
    placed = False
    for old in conditions:
        if old.type != new.type:
            kept.append(old)
            continue
        placed = True
        same = old.status == new.status
        kept.append(new.model_copy(update={"last_transition_time": old.last_transition_time}) if same else new)
    return tuple(kept) if placed else (*kept, new)


def condition_of(conditions: Sequence[Condition], kind: str) -> Condition | None:
    """The condition of one type, if the object has it."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: Sequence[Condition], kind: str) -> bool:
    """Whether the object says so, outright."""
    condition = condition_of(conditions, kind)
    return condition is not None and condition.status == "True"
