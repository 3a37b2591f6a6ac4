"""Which cluster a command looks at that knows both kinds: the data folder, unless a Kubernetes one was asked for."""

from collections.abc import Mapping
from pathlib import Path

from adit_cli.session import Session

DEFAULT_KUBECONFIG = Path("~/.kube/config")


def chosen_environment(
    session: Session, environ: Mapping[str, str], kubeconfig: Path | None, *, cluster: bool
) -> Mapping[str, str]:
    """The environment as `adit.cluster.connect` reads it: with ADIT_DATA where the data folder is meant."""
    kept = {key: value for key, value in environ.items() if key != "ADIT_DATA"}
    if kubeconfig is not None:
        return {**kept, "KUBECONFIG": str(kubeconfig)}
    if not cluster:
        return {**kept, "ADIT_DATA": str(session.data)}
    default = DEFAULT_KUBECONFIG.expanduser()
    if not {"KUBECONFIG", "KUBERNETES_SERVICE_HOST"} & set(kept) and default.is_file():
        return {**kept, "KUBECONFIG": str(default)}
    return kept
