"""The data folder: private, on a disk of this machine, with the names of what lies in it."""

import errno
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from adit.errors import BadInput

DATABASE = "cluster.db"
LOGS, LEASES, PODS, SLOTS = "logs", "leases", "pods", "slots"
OPERATOR_LOCK, NODE_LOCK, WRITER_LOCK = "operator.lock", "node.lock", "writer.lock"

_MOUNTS = Path("/proc/self/mounts")
# Their locks are not kept, or not seen by the other machine; SQLite's WAL needs memory shared by all processes.
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "lustre", "gpfs", "beegfs", "ocfs2"}
_NETWORK |= {"gfs2", "glusterfs", "coda", "davfs", "drvfs", "orangefs", "pvfs2", "panfs", "wekafs", "vboxsf", "vmhgfs"}
_LOCAL_FUSE = {"fuse.overlayfs", "fuse.fuse-overlayfs", "fuse.bindfs", "fuse.encfs", "fuse.gocryptfs", "fuse.mergerfs"}
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


def prepare_data_folder(data: Path) -> Path:
    """Make the data folder (mode 0700) and its empty database file (mode 0600); the resolved folder.

    Raises BadInput for a network file system, for a folder that others may read and that holds other things, and for
    one that cannot be made.
    """
    data = data.expanduser().absolute()
    try:
        refuse_network_filesystem(data.resolve())
        data.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        _require_private(data)
        _make_database_file(data / DATABASE)
    except OSError as error:
        raise BadInput(f"the data folder {data} cannot be used: {error.strerror or error}") from error
    return data.resolve()


def now() -> str:
    """The time as Kubernetes writes it: RFC 3339, UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, that only its user may enter."""
    if not path.parent.exists():
        private_folder(path.parent)
    path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    return path


def open_private(path: Path) -> int:
    """The descriptor of a file that only its user may read, made when missing; a link is not followed."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _PRIVATE_FILE)


def _make_database_file(path: Path) -> None:
    """Make the empty file without opening it; a link is refused.

    Closing any descriptor of a database drops the locks that SQLite holds on it in this process (POSIX): another
    process then takes itself for the last user and deletes the write-ahead log with what was written since.
    """
    try:
        os.mknod(path, stat.S_IFREG | _PRIVATE_FILE)
    except FileExistsError:
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None


def refuse_network_filesystem(folder: Path) -> None:
    """Raise BadInput where the folder lies on a file system of another machine."""
    if not _MOUNTS.exists():
        return
    kind = filesystem_of(_MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"), folder)
    if is_network(kind):
        raise BadInput(
            f"the data folder {folder} lies on a network file system ({kind}), where locks do not hold: "
            "give a folder on a local disk with --data or ADIT_DATA"
        )


def filesystem_of(mounts: str, folder: Path) -> str:
    """The type of the file system that a resolved path lies on, given the text of /proc/self/mounts."""
    # of two at one place the later hides the earlier
    around = [
        (len(point.parts), order, kind)
        for order, (point, kind) in enumerate(_mounts(mounts))
        if folder.is_relative_to(point)
    ]
    return max(around, default=(0, 0, ""))[2]


def is_network(kind: str) -> bool:
    """Whether a file system of this type may belong to another machine; an unknown FUSE one is taken as such."""
    return kind in _NETWORK or (kind.startswith("fuse") and kind != "fuseblk" and kind not in _LOCAL_FUSE)


def _mounts(text: str) -> Iterator[tuple[Path, str]]:
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) >= 3:  # noqa: PLR2004  # device, mount point, type
            yield Path(_unescaped(fields[1])), fields[2]


def _unescaped(word: str) -> str:
    """Mount points write blanks and backslashes in octal."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(code, character)
    return word


def _require_private(data: Path) -> None:
    found = data.stat()
    if found.st_uid != os.geteuid():
        raise BadInput(f"the data folder {data} belongs to another user: give your own with --data or ADIT_DATA")
    if stat.S_IMODE(found.st_mode) & 0o077:
        if any(data.iterdir()) and not (data / DATABASE).exists():
            raise BadInput(
                f"the data folder {data} is open to others and holds other files: "
                f"give an empty folder, or say `chmod 700 {data}` if nobody else needs it"
            )
        data.chmod(_PRIVATE_FOLDER)
