"""Where the data of an embedded cluster lies unless somebody says otherwise; it is asked before all else."""

from collections.abc import Mapping
from pathlib import Path

DATA_ENV = "ADIT_DATA"


def default_data_folder(environ: Mapping[str, str]) -> Path:
    """The data folder of this user: ADIT_DATA, else adit below XDG_STATE_HOME or ~/.local/state."""
    if environ.get(DATA_ENV):
        return Path(environ[DATA_ENV]).expanduser()
    state = environ.get("XDG_STATE_HOME", "")
    # the XDG specification says to ignore a relative path
    folder = Path(state) if state.startswith("/") else Path(environ.get("HOME") or "~").expanduser() / ".local/state"
    return folder / "adit"
