"""The one local cluster of this machine: made if need be, shared if it is there, taken down by who made it."""

import os
from dataclasses import dataclass

from tests.cluster import binary, images, machine, node
from tests.cluster.node import Node
from tests.cluster.places import RUN, cache, locked
from tests.cluster.processes import Process
from tests.cluster.progress import ClusterError

OWNER = "owner"  # written by a test session that is to take the cluster down; `make cluster` leaves it running


@dataclass(frozen=True)
class Brought:
    """A running node, and whether this call started it."""

    node: Node
    started: bool


def prepare() -> None:
    """Everything that takes long and needs no running cluster."""
    machine.require()
    binary.build()


def up(*, keep: bool, at: Node | None = None) -> Brought:
    """The running cluster, started if need be. Without `keep` it belongs to this process, which takes it down.

    What a killed run left behind is taken down first; a cluster that another test run owns is not touched.
    """
    at = at or Node(RUN)
    prepare()
    programs = binary.home()
    with locked(cache() / "cluster.lock"):
        owner, kept = Process.read(at.run / OWNER), not (at.run / OWNER).exists()
        if owner is not None and owner.pid != os.getpid():
            raise ClusterError(
                f"The local cluster belongs to the test run with process number {owner.pid}. Wait for its end, "
                "or start one that can be shared: make cluster"
            )
        if (kept or owner is not None) and at.runs(programs):
            return Brought(at, started=False)
        node.down(at)
        try:
            node.up(at, programs, images.pause_archive(programs))
        except ClusterError:
            raise  # what there is stays, for its logs; the next start takes it down
        except BaseException:
            node.down(at)
            raise
        if not keep and (own := Process.of(os.getpid())):
            own.write(at.run / OWNER)
        return Brought(at, started=True)


def down(at: Node | None = None) -> bool:
    """Take the cluster down, whoever started it. True if there was one."""
    with locked(cache() / "cluster.lock"):
        return node.down(at or Node(RUN))
