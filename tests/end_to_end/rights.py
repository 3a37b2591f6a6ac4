"""Accounts with the rights that the documentation lists, so that the list is neither too short nor only words."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GROUP = "rbac.authorization.k8s.io"
PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "operator-rights.md"
OPERATOR, RUNNER = "## Operator", "## Runner"


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource; `where` says whose and in which namespaces."""

    where: str
    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.where}: {self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


# The tables of the page, in order.
WATCHED, RUNNERS, OWN_SET = "operator in watched namespaces", "operator among runners", "runner"
WHERE = (WATCHED, RUNNERS, OWN_SET)


def rights_of_page(page: Path = PAGE) -> tuple[Right, ...]:
    """Every verb of every table."""
    tables = _tables(page.read_text("utf-8"))
    assert len(tables) == len(WHERE), f"{page} has {len(tables)} tables, not {len(WHERE)}"
    return tuple(
        right
        for where, table in zip(WHERE, tables, strict=True)
        for rule in table
        for right in rights_of(where, [rule])
    )


def rights_of(where: str, rules: Iterable[dict[str, Any]]) -> tuple[Right, ...]:
    return tuple(
        Right(where, group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    )


def rules_of(rights: Iterable[Right]) -> tuple[dict[str, Any], ...]:
    """One rule for each right."""
    return tuple({"apiGroups": [one.group], "resources": [one.resource], "verbs": [one.verb]} for one in rights)


def documented_rights(page: Path, section: str = OPERATOR) -> list[dict[str, Any]]:
    """The rules of one section's tables."""
    text = page.read_text("utf-8").split(section + "\n", 1)[1].split("\n## ", 1)[0]
    return [rule for table in _tables(text) for rule in table]


def _tables(text: str) -> list[list[dict[str, Any]]]:
    """The tables of a text; their head and its rule are left out."""
    tables: list[list[dict[str, Any]]] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            continue
        group, resource, verbs, _ = (cell.strip() for cell in line.strip("|").split("|"))
        if group == "API group":
            tables.append([])
        elif set(group) != {"-"}:
            split = [verb.strip() for verb in verbs.split(",")]
            tables[-1].append({"apiGroups": [group.strip('"')], "resources": [resource], "verbs": split})
    return tables


def account(name: str, *rules: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """A service account that may do this in its namespace."""
    return (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": {"name": name}, "rules": list(rules)},
        role_binding(name, name),
    )


def role_binding(name: str, account_name: str, account_namespace: str | None = None) -> dict[str, Any]:
    """What gives the role of this name to a service account."""
    subject = {"kind": "ServiceAccount", "name": account_name}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": name},
        "subjects": [subject if account_namespace is None else {**subject, "namespace": account_namespace}],
    }
