"""`adit run` into a folder whose disk is full."""

import os
import shlex
import shutil
import subprocess

import pytest
from pydicom import dcmread

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital

INTO = {"kind": "DicomFolder", "name": "archive"}


def on_a_small_disk(hospital: Hospital) -> list[str]:
    """The start of a command whose folders lie on 32 KiB of tmpfs, in a mount namespace of its own."""
    unshare = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        reason = "a mount namespace cannot be made here, so there is no small disk to fill (unshare --mount)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    claim = hospital.adit.data / "folders" / "images"
    claim.mkdir(parents=True)
    for folder in (hospital.adit.data, claim.parent):
        folder.chmod(0o700)
    kept = hospital.folder / "kept"
    kept.mkdir()
    script = (
        f"mount -t tmpfs -o size=32k none {shlex.quote(str(claim))} && "
        f'"$@"; code=$?; cp -r {shlex.quote(str(claim))}/. {shlex.quote(str(kept))}; exit $code'
    )
    return [*unshare, "sh", "-c", script, "sh"]


def test_a_full_disk_is_named_and_what_was_written_before_is_whole(hospital: Hospital) -> None:
    study = ct_study(patients.UMLAUT, instances=12, rows=16)
    hospital.source.load(study.write(hospital.folder / "more"))
    hospital.studies = (study,)
    hospital.servers.append(manifests.folder("archive", "images"))
    result = hospital.adit.run("run", hospital.file(destination=INTO), before=on_a_small_disk(hospital))
    assert result.code == 3, result.err
    told = hospital.adit.told()["night"]
    [line] = told.lines
    assert line.reason == "DiskFull"
    assert line.message.endswith("is full; free some space on the claim images, or enlarge it")
    kept = {str(dcmread(path).SOPInstanceUID): path for path in (hospital.folder / "kept").rglob("*.dcm")}
    wanted = {path.stem: path for path in (hospital.folder / "more").iterdir()}
    assert len(kept) == line.instances.verified
    assert kept.keys() | told.named == wanted.keys()
    assert not kept.keys() & told.named
    for uid, path in kept.items():
        assert dcmread(path).PixelData == dcmread(wanted[uid]).PixelData
