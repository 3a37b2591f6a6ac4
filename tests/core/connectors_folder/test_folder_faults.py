"""What the folder says when its disk is full, read-only, closed to us or not there."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adit.api.dicom_folder import DicomFolderSpec
from adit.connectors.folder import FolderConnector
from adit.connectors.folder.tree import Tree
from adit.connectors.target import Target
from adit.errors import PermanentError, RetryableError
from adit.transfer.instance import Instance
from adit.transfer.placement import Placement

Make = Callable[..., Instance]
NOBODY = 65534

# In a mount namespace of its own, so that the small disk vanishes with the process.
ON_A_SMALL_DISK = """
import json, subprocess, sys
from pathlib import Path
from adit.api.dicom_folder import DicomFolderSpec
from adit.connectors.folder import FolderConnector
from adit.connectors.target import Target
from adit.transfer.part10 import open_part10
from adit.errors import AditError
from adit.transfer.placement import Placement

mount_dir, then, *paths = sys.argv[1:]
claim = Path(mount_dir) / "images"
claim.mkdir(parents=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(claim)], check=True)
spec = DicomFolderSpec.of({"volume": {"claimName": "images", "subPath": "research"}})
stored, reason, message = [], "", ""
with FolderConnector(Target("research", spec, "ADIT", Path(mount_dir))) as folder:
    folder.echo()
    if then == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", str(claim)], check=True)
    try:
        for outcome in folder.store((open_part10(Path(path)) for path in paths), Placement("job", ("CT",))):
            stored.append(outcome.sop_instance_uid)
    except AditError as error:
        reason, message = type(error).__name__ + "/" + error.reason, error.message
names = sorted(path.name for path in claim.rglob("*") if path.is_file())
print(json.dumps({"stored": stored, "reason": reason, "message": message, "names": names}))
"""


def on_a_small_disk(tmp_path: Path, then: str, *instances: Instance) -> dict[str, Any]:
    """Store into 256 KiB of tmpfs; what was stored, the error, and the files that are there afterwards."""
    unshare = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        reason = "a mount namespace cannot be made here, so there is no small disk to fill (unshare --mount)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    paths = [str(tmp_path / f"spool-{instance.sop_instance_uid.rpartition('.')[2]}.dcm") for instance in instances]
    command = [*unshare, sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path / "mnt"), then, *paths]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_a_full_disk_names_the_folder_keeps_what_was_written_and_leaves_no_half_file(
    tmp_path: Path, make: Make
) -> None:
    answer = on_a_small_disk(tmp_path, "fill", make(1), make(2), make(3, size=1 << 20), make(4))
    assert answer["stored"] == answer_names(answer) == ["1.2.3.1", "1.2.3.2"]
    assert answer["reason"] == "RetryableError/DiskFull"
    assert answer["message"] == (
        "research: MOUNT_DIR/images/research is full; free some space on the claim images, or enlarge it"
    )


def test_a_read_only_claim_is_a_persons_business(tmp_path: Path, make: Make) -> None:
    answer = on_a_small_disk(tmp_path, "read-only", make(1))
    assert (answer["stored"], answer["names"]) == ([], [])
    assert answer["reason"] == "PermanentError/FolderNotWritable"
    assert "Read-only file system" in answer["message"]


def answer_names(answer: dict[str, Any]) -> list[str]:
    return [name.removesuffix(".dcm") for name in answer["names"]]


@pytest.fixture
def closed_folder() -> Iterator[FolderConnector]:
    """A folder whose claim we may look into and not write to, even where the tests run as root."""
    mount_dir = Path(tempfile.mkdtemp())
    claim = mount_dir / "images"
    claim.mkdir()
    claim.chmod(0o555)
    mount_dir.chmod(0o755)
    spec = DicomFolderSpec.of({"volume": {"claimName": "images", "subPath": "research"}})
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield FolderConnector(Target("research", spec, "ADIT", mount_dir))
    finally:
        os.seteuid(user)
        claim.chmod(0o755)
        shutil.rmtree(mount_dir)


def test_a_claim_that_is_closed_to_us_says_whom_to_let_in(closed_folder: FolderConnector) -> None:
    with pytest.raises(PermanentError) as caught:
        closed_folder.echo()
    assert caught.value.message == (
        "research: cannot write to MOUNT_DIR/images/research (Permission denied); let the user of this program "
        f"(uid {os.geteuid()}) write to the claim images, and mount it writable"
    )


def test_a_file_in_the_way_of_the_folder_is_named(folder: FolderConnector, root: Path, make: Make) -> None:
    root.parent.mkdir(parents=True)
    root.write_text("a file")
    with pytest.raises(PermanentError, match="must be a plain directory"):
        list(folder.store([make(1)], Placement("job")))


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        (errno.ENOSPC, RetryableError, "DiskFull"),
        (errno.EDQUOT, RetryableError, "DiskFull"),
        (errno.EACCES, PermanentError, "FolderNotWritable"),
        (errno.EROFS, PermanentError, "FolderNotWritable"),
        (errno.ELOOP, PermanentError, "FolderObstructed"),
        (errno.ESTALE, RetryableError, "FolderError"),
        (errno.EIO, RetryableError, "FolderError"),
    ],
)
def test_each_error_of_the_file_system_has_one_meaning(number: int, kind: type[Exception], reason: str) -> None:
    patient_path = "/mnt/images/job/Sample^Paul"
    error = Tree("research", Path("/mnt"), "images", None).error(OSError(number, os.strerror(number), patient_path))
    assert isinstance(error, kind)
    assert error.reason == reason
    assert "Sample" not in error.message


@pytest.mark.parametrize("claim", ["", ".", "..", "a/b"])
def test_a_claim_that_is_no_name_is_refused(tmp_path: Path, claim: str) -> None:
    with (
        pytest.raises(PermanentError, match="claimName"),
        Tree("research", tmp_path, claim, None).directory(create=True),
    ):
        pass
