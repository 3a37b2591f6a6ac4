"""The data folder: private, local, of a version that this program reads."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.folder import filesystem_of, is_network, private_folder
from adit.errors import BadInput
from adit.testing.cluster import config_map_manifest

MOUNTS = r"""
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /home nfs4 rw 0 0
/dev/sdb1 /home/local xfs rw 0 0
//nas/share /mnt/with\040blank cifs rw 0 0
sshfs#there: /mnt/ssh fuse.sshfs rw 0 0
/dev/sdc1 /mnt/ntfs fuseblk rw 0 0
tmpfs /home/covered tmpfs rw 0 0
server:/x /home/covered nfs rw 0 0
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_nobody_else_may_read_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "a" / "data"
    previous = os.umask(0)
    try:
        async with EmbeddedCluster.open(data) as cluster:
            await cluster.create(config_map_manifest())
            assert mode(data) == 0o700
            assert {path.name: mode(path) for path in data.iterdir()} == {
                "cluster.db": 0o600,
                "cluster.db-wal": 0o600,
                "cluster.db-shm": 0o600,
                "writer.lock": 0o600,
            }
    finally:
        os.umask(previous)


def test_folders_below_it_are_private_with_all_between(tmp_path: Path) -> None:
    private_folder(tmp_path / "one" / "two" / "three")
    assert [mode(tmp_path / path) for path in ("one", "one/two", "one/two/three")] == [0o700] * 3


async def test_an_empty_folder_becomes_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    async with EmbeddedCluster.open(data):
        assert mode(data) == 0o700


def test_a_folder_that_others_read_and_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "home"
    data.mkdir()
    data.chmod(0o755)
    (data / "letter.txt").write_text("mine")
    with pytest.raises(BadInput, match="chmod 700"):
        EmbeddedCluster.open(data)
    assert mode(data) == 0o755
    assert [path.name for path in data.iterdir()] == ["letter.txt"]


def test_a_database_that_is_a_link_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "cluster.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(BadInput, match="cannot be used"):
        EmbeddedCluster.open(data)
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(BadInput, match="cannot be used"):
        EmbeddedCluster.open(tmp_path / "data")


async def test_a_newer_schema_is_refused_in_words(tmp_path: Path) -> None:
    await EmbeddedCluster.open(tmp_path / "data").close()
    connection = sqlite3.connect(tmp_path / "data" / "cluster.db")
    with connection:
        connection.execute("UPDATE settings SET value = 99 WHERE name = 'schema'")
    connection.close()
    with pytest.raises(BadInput, match="schema 99"):
        EmbeddedCluster.open(tmp_path / "data")


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "cluster.db").write_bytes(b"something else entirely" * 100)
    with pytest.raises(BadInput, match="not a database"):
        EmbeddedCluster.open(data)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/home/anna", "nfs4"),
        ("/home/local/anna", "xfs"),
        ("/homes/anna", "ext4"),
        ("/mnt/with blank/x", "cifs"),
        ("/mnt/ssh", "fuse.sshfs"),
        ("/home/covered/x", "nfs"),
    ],
)
def test_a_folder_lies_on_the_innermost_and_latest_mount(folder: str, kind: str) -> None:
    assert filesystem_of(MOUNTS, Path(folder)) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.glusterfs", "ceph"])
def test_network_file_systems_are_recognised(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "fuse.overlayfs", ""])
def test_local_file_systems_are_recognised(kind: str) -> None:
    assert not is_network(kind)
