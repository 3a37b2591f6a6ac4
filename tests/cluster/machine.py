"""What the local cluster needs of a machine, and the words for what is missing: observe, then judge."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cgroups
from tests.cluster.places import HERE
from tests.cluster.progress import ClusterError

NAMESPACES = ("mnt", "net", "pid", "ipc", "uts", "cgroup")
UNSHARE = ("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child")
ELSEWHERE = "Tests also run with --cluster=kind and --cluster=current."
# Each tried inside namespaces of its own, so that it leaves nothing behind.
TRIALS = (
    (
        "overlay file systems",
        "cd /tmp && mkdir a b c && mount -t overlay -o lowerdir=a,upperdir=b,workdir=c overlay /mnt",
    ),
    ("bridges", "ip link add trial type bridge"),
    ("virtual network cards (veth)", "ip link add trial type veth peer name other"),
    ("nftables", "nft add table inet trial"),
)


@dataclass(frozen=True)
class Machine:
    """What was observed."""

    system: str
    architecture: str
    user: int
    namespaces: frozenset[str]
    unshare: str  # what the trial of new namespaces answered; empty when it worked
    control_groups: str  # as lacking() says it
    features: frozenset[str]  # the trials that failed


def lacks(machine: Machine) -> Sequence[str]:
    """Sentences on what a person must change; none for a machine that will do."""
    if machine.system != "Linux" or machine.architecture not in {"x86_64", "aarch64"}:
        here = f"{machine.system} on {machine.architecture}"
        return [f"The local cluster runs on Linux on x86-64 or arm64; this is {here}. {ELSEWHERE}"]
    if machine.user != 0:
        return [f"The local cluster needs root, for namespaces and control groups. Run this as root. {ELSEWHERE}"]
    if missing := [name for name in NAMESPACES if name not in machine.namespaces]:
        return [f"This kernel has no namespaces of kind {', '.join(missing)}."]
    if machine.unshare:
        needed = "In a container, CAP_SYS_ADMIN and an unconfined seccomp profile are needed."
        return [f"New namespaces cannot be made here ({machine.unshare}). {needed}"]
    found = [f"The kernel's {feature} cannot be used here." for feature in sorted(machine.features)]
    if machine.control_groups:
        found.append(f"The control groups will not do: {machine.control_groups}.")
    return found


def answer(script: str) -> str:
    """What a script says in new namespaces; empty if it succeeds."""
    inside = f"mount -t tmpfs tmpfs /tmp && {script}"
    try:
        tried = subprocess.run([*UNSHARE, "sh", "-c", inside], capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        return "the program unshare is missing"
    return "" if tried.returncode == 0 else (tried.stderr.strip() or f"exit {tried.returncode}")


def observe() -> Machine:
    system, root = platform.system(), os.geteuid() == 0
    here = system == "Linux" and root
    unshare = answer("true") if here else ""
    return Machine(
        system=system,
        architecture=platform.machine(),
        user=os.geteuid(),
        namespaces=frozenset(path.name for path in Path("/proc/self/ns").iterdir()) if here else frozenset(),
        unshare=unshare,
        control_groups=cgroups.lacking(Path("/proc/self/cgroup").read_text()) if here else "",
        features=frozenset(name for name, trial in TRIALS if answer(trial)) if here and not unshare else frozenset(),
    )


def require() -> None:
    """Install what is missing and can be, and raise ClusterError with a sentence for each thing that cannot."""
    if os.geteuid() == 0:
        packages = subprocess.run([HERE / "packages.sh"], stderr=subprocess.PIPE, text=True, check=False)
        if packages.returncode:
            raise ClusterError(f"Programs of the local cluster are missing. {packages.stderr.strip()}")
    if found := lacks(observe()):
        raise ClusterError("\n".join(found))
