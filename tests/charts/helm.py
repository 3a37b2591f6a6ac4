"""The real helm: found, or built once with Go into the user's cache folder; and what it renders as manifests."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster import binary
from tests.cluster.access import Kubernetes
from tests.cluster.progress import ClusterError

PROJECT = Path(__file__).resolve().parent.parent.parent
CHART = PROJECT / "charts" / "adit"
MODULE = "helm.sh/helm/v4/cmd/helm@v4.3.1"
BUILD_SECONDS = 900
TIMEOUT = 100


class NoHelm(Exception):
    """There is no helm, and none can be built; says why."""


class HelmError(Exception):
    """A helm that failed, with what it said."""


def home() -> Path:
    """Where a built helm stays."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "adit" / "helm"


def find() -> Path | None:
    """A helm 4: the one that was built, else the one that is installed."""
    for path in (home() / "helm", Path(shutil.which("helm") or "")):
        if path.is_file() and _is_four(path):
            return path
    return None


def build() -> Path:
    """Build helm, which takes two or three minutes. Raises NoHelm."""
    try:
        go = binary.find_go()
    except ClusterError as error:
        raise NoHelm(f"helm 4 is not installed, and there is no Go to build it with: {error}") from error
    home().mkdir(parents=True, exist_ok=True)
    command = ["nice", "-n", "10", str(go), "install", MODULE]
    environment = {**os.environ, "GOBIN": str(home())}
    answer = subprocess.run(
        command, env=environment, cwd=home(), capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
    )
    if answer.returncode:
        raise NoHelm(f"helm cannot be built: {answer.stderr.strip()[-500:]}")
    return home() / "helm"


def _is_four(path: Path) -> bool:
    answer = subprocess.run(
        [path, "version", "--template", "{{.Version}}"], capture_output=True, text=True, check=False
    )
    return answer.returncode == 0 and answer.stdout.startswith("v4")


@dataclass(frozen=True)
class Helm:
    """helm, on a cluster where there is one."""

    path: Path
    kubernetes: Kubernetes | None = None

    def __call__(self, *arguments: str) -> str:
        """What helm prints; HelmError with its words when it fails."""
        kubeconfig = "/dev/null" if self.kubernetes is None else str(self.kubernetes.kubeconfig)
        answer = subprocess.run(
            [self.path, *arguments],
            env={**os.environ, "KUBECONFIG": kubeconfig},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        if answer.returncode:
            raise HelmError(answer.stderr.strip())
        return answer.stdout

    def render(self, *arguments: str, namespace: str = "adit", version: str = "1.37.2") -> list[dict[str, Any]]:
        """The manifests of a release called adit."""
        text = self("template", "adit", str(CHART), "--namespace", namespace, "--kube-version", version, *arguments)
        return [one for one in yaml.safe_load_all(text) if one]
