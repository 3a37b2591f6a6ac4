"""One node up and down: what is started, recorded in the run folder, and ended by that record and by nothing else."""

import base64
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import yaml

from tests.cluster import cgroups
from tests.cluster.forward import enter_network_of
from tests.cluster.machine import UNSHARE
from tests.cluster.places import HERE
from tests.cluster.processes import Process, launch, recorded
from tests.cluster.progress import ClusterError, reported

ADDRESS = "10.250.0.1"  # of the node, for pods; node.sh gives it
READY_WITHIN = 180.0
T = TypeVar("T")
STEPS = ("namespaces", "certificates", "containerd", "API server", "node", "service account", "ready")


@dataclass(frozen=True)
class Node:
    """A node by its run folder, running or not."""

    run: Path

    @property
    def kubeconfig(self) -> Path:
        return self.run / "kubeconfig"

    @property
    def init(self) -> Process | None:
        """Process 1 of the node's namespaces."""
        return Process.read(self.run / "node.pid")

    @property
    def programs(self) -> Path:
        return Path((self.run / "programs").read_text())

    @property
    def steps(self) -> list[str]:
        path = self.run / "steps"
        return path.read_text().splitlines() if path.exists() else []

    def runs(self, programs: Path) -> bool:
        """Whether it is up, healthy, and made of these programs."""
        if self.init is None or not self.kubeconfig.exists() or self.programs != programs:
            return False
        kubectl = [str(programs / "kubectl"), "--kubeconfig", str(self.kubeconfig), "--request-timeout=5s"]
        command = [*kubectl, "get", "--raw", "/readyz"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def inside(self, *command: str | Path) -> list[str | Path]:
        """The command that runs a command in the node's namespaces."""
        init = self.init
        if init is None:
            raise ClusterError("The local cluster does not run. Start it with: make cluster")
        return [
            "nsenter",
            "--target",
            str(init.pid),
            "--mount",
            "--net",
            "--pid",
            "--ipc",
            "--uts",
            "--cgroup",
            *command,
        ]


def claim(run: Path) -> None:
    """Make the run folder, for our eyes only; refuse one that somebody else laid in its place."""
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = run.lstat()
    if run.is_symlink() or seen.st_uid != os.geteuid() or seen.st_mode & 0o077:
        raise ClusterError(f"{run} is not a folder of ours. Look at it, remove it, and try again.")


def up(node: Node, programs: Path, pause: Path) -> None:
    """Start a node and wait until pods can be made on it. What was started is in the run folder from the beginning."""
    claim(node.run)
    (node.run / "log").mkdir()
    (node.run / "programs").write_text(str(programs))
    folders = cgroups.groups(Path("/proc/self/cgroup").read_text(), group_of(node.run))
    (node.run / "cgroups").write_text("".join(f"{folder}\n" for folder in folders))
    cgroups.make(folders)
    with reported("Starting the cluster", every=3.0) as doing:
        # The shell joins the groups before it becomes unshare: what it starts is born in them.
        join = 'run=$1; shift; while read -r group; do echo $$ >"$group/cgroup.procs"; done <"$run/cgroups"; exec "$@"'
        node_program = [HERE / "node" / "node.sh", programs, node.run, pause]
        launch(["sh", "-c", join, "sh", node.run, *UNSHARE, *node_program], log=node.run / "log" / "node.log")
        init = recorded(node.run / "node.pid", node.run / "log" / "node.log")
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        forward(node, listener, 6443, "api", inward=True)
        deadline = time.monotonic() + READY_WITHIN
        while node.steps[-1:] != ["ready"]:
            doing.now = f"after {node.steps[-1]}" if node.steps else "making namespaces"
            if Process.of(init.pid) != init or time.monotonic() > deadline:
                raise ClusterError(f"The node did not become ready ({doing.now}). Its logs are in {node.run}/log.")
            time.sleep(0.05)
    write_kubeconfig(node, port)


def group_of(run: Path) -> str:
    return f"adit-cluster-{sha256(str(run).encode()).hexdigest()[:8]}"


def forward(node: Node, listener: socket.socket, port: int, name: str, *, inward: bool) -> None:
    """Carry what a listener accepts to a loopback port: the node's when inward, else this machine's."""
    init = node.init
    assert init is not None
    record, log = node.run / f"{name}.pid", node.run / "log" / "forward.log"
    target = [str(init.pid)] if inward else []
    command = [sys.executable, str(HERE / "forward.py"), str(record), str(listener.fileno()), str(port), *target]
    launch(command, log=log, descriptors=[listener.fileno()])
    listener.close()
    recorded(record, log)


def listen_inside(node: Node, port: int) -> socket.socket:
    """A listener on the node's own address."""
    return in_network(node, lambda: socket.create_server((ADDRESS, port)))


def in_network(node: Node, call: Callable[[], T]) -> T:
    """What a call gives in the node's network. A thread enters it; threads enter alone."""
    init = node.init
    assert init is not None
    made: list[T] = []
    failed: list[OSError] = []

    def enter_and_call() -> None:
        try:
            enter_network_of(init.pid)
            made.append(call())
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=enter_and_call)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def write_kubeconfig(node: Node, port: int) -> None:
    """One file that holds the certificates themselves, so that it may be copied."""

    def data(name: str) -> str:
        return base64.b64encode((node.run / "pki" / name).read_bytes()).decode()

    user = {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": data("ca.crt")}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "adit",
        "contexts": [{"name": "adit", "context": {"cluster": "adit", "user": "admin"}}],
        "clusters": [{"name": "adit", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
    }
    partial = node.run / "kubeconfig.partial"
    partial.touch(mode=0o600)
    partial.write_text(yaml.safe_dump(document))
    partial.rename(node.kubeconfig)


def down(node: Node) -> bool:
    """End what the run folder records, and remove the folder. True if there was anything.

    Killing process 1 of the namespaces ends all their processes; mounts, links and rules end with the namespaces.
    """
    if not node.run.exists():
        return False
    claim(node.run)
    for record in sorted(node.run.glob("*.pid")):
        if process := Process.read(record):
            process.kill()
    groups = node.run / "cgroups"
    if groups.exists():
        cgroups.remove(Path(line) for line in groups.read_text().splitlines())
    shutil.rmtree(node.run)
    return True
