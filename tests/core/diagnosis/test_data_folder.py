"""The data folder examined: what is not private, not local, not sound, or not worked."""

import asyncio
from pathlib import Path

import pytest

from adit.cluster.embedded.locks import try_operator_lock
from adit.diagnosis.data_folder import LITTLE, VERY_LITTLE, examine_folder, judge_room
from adit.testing.cluster import embedded_cluster


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a database in it."""

    async def make() -> Path:
        async with embedded_cluster(tmp_path / "data") as cluster:
            return cluster.data

    return asyncio.run(make())


def codes(data: Path) -> list[str]:
    return [one.code for one in examine_folder(data)]


def test_a_folder_that_is_well_is_worked_or_not(data: Path) -> None:
    sound = ["FolderPrivate", "FolderLocal", "FolderRoom", "DatabaseSound"]
    room = codes(data)[2]
    assert codes(data) == [*sound[:2], room, sound[3], "NobodyWorks"]
    with try_operator_lock(data) as held:
        assert held
        assert codes(data)[-1] == "Worked"
    assert codes(data)[-1] == "NobodyWorks"


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert codes(tmp_path / "absent") == ["FolderMissing"]
    assert not (tmp_path / "absent").exists()
    (tmp_path / "empty").mkdir(mode=0o700)
    assert "DatabaseSound" not in codes(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert codes(tmp_path / "file") == ["FolderUnusable"]


def test_a_folder_that_others_may_enter_is_told_with_the_command(data: Path) -> None:
    data.chmod(0o750)
    finding = next(one for one in examine_folder(data) if one.code == "FolderOpen")
    assert finding.fix == f"chmod 700 {data}"


def test_a_damaged_database_is_told(data: Path) -> None:
    database = data / "cluster.db"
    database.write_bytes(b"not a database at all" * 300)
    finding = next(one for one in examine_folder(data) if one.code.startswith("Database"))
    assert (finding.code, finding.verdict) == ("DatabaseDamaged", "problem")
    assert "backup" in finding.fix
    assert "other UIDs" in finding.fix, "the project key was in it, and the next one would be made in silence"
    assert "do not pseudonymize" in finding.fix


@pytest.mark.parametrize(
    ("free", "code"),
    [(LITTLE, "FolderRoom"), (LITTLE - 1, "FolderLittleRoom"), (VERY_LITTLE - 1, "FolderFull"), (0, "FolderFull")],
)
def test_room_is_judged_by_what_is_left(free: int, code: str) -> None:
    assert judge_room("data folder", Path("data"), free).code == code
