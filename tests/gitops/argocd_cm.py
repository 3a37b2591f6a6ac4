"""The scripts as the ConfigMap that Argo CD reads: `python -m tests.gitops.argocd_cm` writes it."""

import sys
from pathlib import Path

from tests.gitops.lua import SCRIPTS

TARGET = SCRIPTS.parent / "argocd-cm.yaml"
HEADER = """\
# Merge this into Argo CD's own ConfigMap:
#   kubectl patch configmap argocd-cm -n argocd --type merge --patch-file argocd-cm.yaml
# Made by `python -m tests.gitops.argocd_cm` from adit.dev/: change those files, not this one.
data:
"""


def _block(text: str, indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in text.splitlines())


def rendered(scripts: Path = SCRIPTS) -> str:
    """Health of every kind, actions of those that have some."""
    parts = [HEADER]
    for kind in sorted(path for path in scripts.iterdir() if path.is_dir()):
        parts.append(f"  resource.customizations.health.adit.dev_{kind.name}: |\n")
        parts.append(_block((kind / "health.lua").read_text("utf-8"), 4))
        if not (kind / "actions").is_dir():
            continue
        parts.append(f"  resource.customizations.actions.adit.dev_{kind.name}: |\n    discovery.lua: |\n")
        parts.append(_block((kind / "actions/discovery.lua").read_text("utf-8"), 6))
        parts.append("    definitions:\n")
        for action in sorted(path for path in (kind / "actions").iterdir() if path.is_dir()):
            parts.append(f"    - name: {action.name}\n      action.lua: |\n")
            parts.append(_block((action / "action.lua").read_text("utf-8"), 8))
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(rendered(), "utf-8")
    sys.exit(0)
