"""A pod's files and environment on one machine."""

import stat
from pathlib import Path
from typing import Any

import pytest

from adit.cluster.embedded.volumes import NotReady, PodPlace, environment, lay_out
from adit.testing.cluster import job_manifest

Manifest = dict[str, Any]
ROOT = Path("/data/pods/u/root")
SECRET: Manifest = {"data": {"a.json": "e30=", "b": "Yg=="}}


def pod(volumes: Manifest, env: Manifest | None = None) -> Manifest:
    """A Job with volumes, given as mount path to the kind of volume."""
    job = job_manifest("work", env=env)
    spec = job["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": f"v{number}", **volume} for number, volume in enumerate(volumes.values())]
    spec["containers"][0]["volumeMounts"] = [
        {"name": f"v{number}", "mountPath": path} for number, path in enumerate(volumes)
    ]
    return job


def value(env_value: str, *mounts: str, claims: tuple[str, ...] = ()) -> str:
    """An environment value as the process gets it."""
    volumes: Manifest = {path: {"emptyDir": {}} for path in mounts}
    volumes |= {path: {"persistentVolumeClaim": {"claimName": "c"}} for path in claims}
    place = PodPlace("work-1", "u", "default", Path("/data/pods/u"))
    return environment(pod(volumes, {"X": env_value}), place, data=Path("/data"), inherited={})["X"]


@pytest.mark.parametrize("path", ["/etc/adit/runner", "/etc/adit/runner/source", "/etc/adit/runner/source/server.json"])
def test_a_path_at_below_or_above_a_mount_leads_to_the_private_folder(path: str) -> None:
    assert value(path, "/etc/adit/runner/source") == f"{ROOT}{path}"


@pytest.mark.parametrize(
    "text", ["/", "/etc", "/etc/adit/run", "/etc/adit/runner/sources", "etc/adit/runner/source", "x", "", "/etc/a\n/b"]
)
def test_any_other_value_stays(text: str) -> None:
    assert value(text, "/etc/adit/runner/source") == text


def test_a_claim_is_a_plain_folder_of_the_machine() -> None:
    assert value("/mnt/archive/x", "/spool", claims=("/mnt/archive",)) == "/mnt/archive/x"


def test_a_process_knows_its_pod_and_its_cluster() -> None:
    place = PodPlace("work-1", "u", "default", Path("/data/pods/u"))
    values = environment(pod({}), place, data=Path("/data"), inherited={"PATH": "/bin", "SECRET_OF_THE_NODE": "x"})
    assert values == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": "/data/pods/u/tmp",
        "ADIT_DATA": "/data",
        "POD_NAME": "work-1",
        "POD_UID": "u",
        "POD_NAMESPACE": "default",
    }


def test_secret_files_are_private_and_hold_the_bytes(tmp_path: Path) -> None:
    place = PodPlace("work-1", "u", "default", tmp_path / "pods" / "u")
    lay_out(pod({"/etc/one": {"secret": {"secretName": "s"}}, "/spool": {"emptyDir": {}}}), place, {"s": SECRET})
    found = {path.relative_to(place.root).as_posix(): path for path in place.root.rglob("*")}
    assert set(found) == {"etc", "etc/one", "etc/one/a.json", "etc/one/b", "spool"}
    assert found["etc/one/a.json"].read_bytes() == b"{}"
    modes = {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}
    assert {modes["etc/one/a.json"], modes["etc/one/b"]} == {0o600}
    assert {modes["etc"], modes["etc/one"], modes["spool"]} == {0o700}


def test_items_choose_and_rename_keys(tmp_path: Path) -> None:
    place = PodPlace("work-1", "u", "default", tmp_path)
    secret = {"secretName": "s", "items": [{"key": "b", "path": "deep/c"}]}
    lay_out(pod({"/one": {"secret": secret}}), place, {"s": SECRET})
    assert [path.name for path in (place.root / "one").rglob("*") if path.is_file()] == ["c"]


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ({"secretName": "other"}, "Secret/other does not exist"),
        ({"secretName": "s", "items": [{"key": "z", "path": "z"}]}, "Secret/s has no key z"),
    ],
)
def test_what_is_missing_is_named_and_nothing_made(tmp_path: Path, secret: Manifest, message: str) -> None:
    place = PodPlace("work-1", "u", "default", tmp_path / "pod")
    with pytest.raises(NotReady, match=message):
        lay_out(pod({"/one": {"secret": secret}}), place, {"s": SECRET})
    assert not place.folder.exists()


def test_an_optional_secret_may_be_missing(tmp_path: Path) -> None:
    place = PodPlace("work-1", "u", "default", tmp_path / "pod")
    lay_out(pod({"/one": {"secret": {"secretName": "other", "optional": True}}}), place, {})
    assert list((place.root / "one").iterdir()) == []
