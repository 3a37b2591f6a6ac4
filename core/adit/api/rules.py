"""The rules of one object that the API server checks too: a CEL expression beside the sentence both sides say.

A model names its rules in `model_config`; its validator raises the same sentence, so that kubectl and ours agree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: true where the object is right, and what a person reads where it is not."""

    expression: str
    message: str

    def document(self) -> dict[str, str]:
        """As an entry of x-kubernetes-validations."""
        return {"rule": self.expression, "message": self.message}


def validations(*rules: Rule) -> dict[str, Any]:
    """The rules as an extra of a model's JSON schema, which the CRD takes over."""
    return {VALIDATIONS: [rule.document() for rule in rules]}


def unchanged(fields: Iterable[str], message: str) -> Rule:
    """One rule over the whole spec: each of these fields is as it was, in presence and in value.

    A rule per field (`self == oldSelf`) is not asked when an optional field is added or removed.
    """
    same = (f"has(self.{f}) == has(oldSelf.{f}) && (!has(self.{f}) || self.{f} == oldSelf.{f})" for f in fields)
    return Rule(" && ".join(f"({one})" for one in same), message)
