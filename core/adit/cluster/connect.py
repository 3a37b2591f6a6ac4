"""Which cluster a program talks to, decided by its environment, once, at its door."""

from collections.abc import Mapping
from pathlib import Path

from adit.cluster.cluster import Cluster, Lease
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import FlockLease
from adit.errors import BadInput

DATA_ENV = "ADIT_DATA"


def connect(environ: Mapping[str, str]) -> tuple[Cluster, Lease]:
    """The cluster that the environment names, and how to tell whether holders live. Raises BadInput where none is."""
    if environ.get(DATA_ENV):
        cluster = EmbeddedCluster.open(Path(environ[DATA_ENV]))
        return cluster, FlockLease(cluster.data)
    raise BadInput(f"no cluster: set {DATA_ENV} to the data folder of an embedded one, as `adit run` does")


def default_data_folder(environ: Mapping[str, str]) -> Path:
    """The data folder of this user: ADIT_DATA, else adit below XDG_STATE_HOME or ~/.local/state."""
    if environ.get(DATA_ENV):
        return Path(environ[DATA_ENV]).expanduser()
    state = environ.get("XDG_STATE_HOME", "")
    # the XDG specification says to ignore a relative path
    folder = Path(state) if state.startswith("/") else Path(environ.get("HOME") or "~").expanduser() / ".local/state"
    return folder / "adit"
