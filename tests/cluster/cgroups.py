"""The control groups that the node lives in: children of our own groups in version 1, of the root in version 2."""

import time
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.progress import ClusterError

ROOT = Path("/sys/fs/cgroup")
NEEDED = {"cpu", "cpuset", "memory", "pids"}


def unified(membership: str) -> bool:
    """Whether a process with this /proc/self/cgroup lives under version 2 alone."""
    return [line.split(":", 2)[1] for line in membership.splitlines()] == [""]


def groups(membership: str, name: str, root: Path = ROOT) -> tuple[Path, ...]:
    """The folder of our group in each hierarchy, from /proc/self/cgroup.

    Below our own group in version 1, so that any limit set on us holds for the node. In version 2 a group that holds
    processes, as ours does, may hand no controllers on; only the root may.
    """
    if unified(membership):
        return (root / name,)
    folders = []
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        hierarchy = controllers.removeprefix("name=") or "unified"
        folders.append(root / hierarchy / path.strip("/") / name)
    return tuple(folders)


def lacking(membership: str, root: Path = ROOT) -> str:
    """What is missing from the machine's control groups, in words; empty when nothing is."""
    if unified(membership):
        handed = set((root / "cgroup.subtree_control").read_text().split())
        if missing := sorted(NEEDED - handed):
            enable = " ".join(f"+{name}" for name in missing)
            return (
                f"cgroup version 2 hands no {', '.join(missing)} to the groups below its root. "
                f"As root: echo '{enable}' > {root}/cgroup.subtree_control"
            )
        return ""
    present = {name for line in membership.splitlines() for name in line.split(":", 2)[1].split(",")}
    if missing := sorted(NEEDED - present):
        return f"the kernel offers no cgroup controller {', '.join(missing)}"
    return ""


def make(folders: Iterable[Path]) -> None:
    for folder in folders:
        folder.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # a new cpuset group of version 1 holds no processor
            if (folder / setting).exists() and (folder.parent / setting).exists():
                (folder / setting).write_text((folder.parent / setting).read_text())


def remove(folders: Iterable[Path], *, within: float = 10.0) -> None:
    """Remove the groups with all below them; the last process of a group may still be leaving it."""
    deadline = time.monotonic() + within
    for folder in folders:
        while folder.exists():
            try:
                for below in sorted(folder.rglob("*/"), reverse=True):
                    below.rmdir()
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError as error:
                if time.monotonic() > deadline:
                    raise ClusterError(f"The control group {folder} cannot be removed: {error.strerror}.") from error
                time.sleep(0.05)
