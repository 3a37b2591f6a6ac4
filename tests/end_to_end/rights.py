"""Accounts with the rights that the documentation lists, so that the list is neither too short nor only words."""

from pathlib import Path
from typing import Any

GROUP = "rbac.authorization.k8s.io"


def documented_rights(page: Path, section: str = "## Operator") -> list[dict[str, Any]]:
    """The rules of one section's tables."""
    text = page.read_text("utf-8").split(section + "\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return [
        {"apiGroups": [group.strip('"')], "resources": [resource], "verbs": [verb.strip() for verb in verbs.split(",")]}
        for group, resource, verbs, _ in rows
        if group != "API group" and set(group) != {"-"}
    ]


def account(name: str, *rules: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """A service account that may do this in its namespace."""
    return (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": {"name": name}, "rules": list(rules)},
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name}],
        },
    )
