"""A Kubernetes as the tests see it, wherever it runs: a kubeconfig, kubectl, and a way to bring an image in."""

import errno
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import node
from tests.cluster.node import ADDRESS, Node, T
from tests.cluster.processes import Process
from tests.cluster.progress import ClusterError

STARTS = 3
TIMEOUT = 100.0  # of one kubectl, in seconds: below the time-out of a test


class KubectlError(Exception):
    """A kubectl that failed, with what it said."""


@dataclass(frozen=True)
class Kubernetes:
    """A cluster to test on. `node` is there where it is the local one."""

    kubeconfig: Path
    kubectl_path: Path
    load_image: Callable[[Path], None]
    node: Node | None = None

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 - the name that subprocess gives it
        """What kubectl prints; KubectlError with its words when it fails. `input` is its standard input."""
        answer = _begun([str(self.kubectl_path), "--kubeconfig", str(self.kubeconfig), *arguments], input)
        if answer.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {answer.stderr.strip() or answer.stdout.strip()}")
        return answer.stdout

    def publish(self, port: int) -> str:
        """Let pods reach what listens on this machine's 127.0.0.1:`port`; the address at which they do, same port."""
        at = self.local
        record = at.run / f"publish-{port}.pid"
        if Process.read(record) is None:
            record.unlink(missing_ok=True)
            node.forward(at, node.listen_inside(at, port), port, record.stem, inward=False)
        return ADDRESS

    def unpublish(self, port: int) -> None:
        record = self.local.run / f"publish-{port}.pid"
        if process := Process.read(record):
            process.kill()
        record.unlink(missing_ok=True)

    def in_network(self, call: Callable[[], T]) -> T:
        """What a call gives where pods are: at their addresses, and at those that `publish` gives them."""
        return node.in_network(self.local, call)

    def entering(self) -> list[str]:
        """The words before a command that run it there; the API server is at https://127.0.0.1:6443."""
        init = self.local.init
        assert init is not None
        return ["nsenter", "--target", str(init.pid), "--net"]

    def program(self, name: str) -> int:
        """The process number of one of the node's programs, to stop it for a while (SIGSTOP, SIGCONT)."""
        init = self.local.init
        assert init is not None
        for child in Path(f"/proc/{init.pid}/task/{init.pid}/children").read_text().split():
            if Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0] == name.encode():
                return int(child)
        raise ClusterError(f"The local cluster runs no program called {name}.")

    @property
    def local(self) -> Node:
        if self.node is None:
            raise ClusterError("Only the local cluster can do this. Run the test with --cluster=local.")
        return self.node


def _begun(command: Sequence[str], given: str | None) -> subprocess.CompletedProcess[str]:
    """Run it; started anew where the kernel could not begin it: seen beside other threads, as "Bad address"."""
    for left in reversed(range(STARTS)):
        try:
            return subprocess.run(
                command,
                input=given,
                stdin=subprocess.DEVNULL if given is None else None,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except OSError as error:
            if error.errno != errno.EFAULT or not left:
                raise
    raise AssertionError("the last start returns or raises")


def import_archive(at: Node, archive: Path) -> None:
    """Import a docker archive into a local node."""
    command = at.inside("ctr", "-n", "k8s.io", "images", "import", archive.resolve())
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ClusterError(f"The node cannot import {archive.name}: {answer.stderr.strip()}")
