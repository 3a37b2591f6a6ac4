"""The built distribution: what a user installs is all of the code and none of the rest."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOTS = ("core", "operator", "jobrunner", "receiver", "cli")


def test_the_wheel_holds_every_module_and_nothing_else(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)

    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(project / root).as_posix()
        for root in ROOTS
        for path in (project / root).rglob("*/*")  # a source root itself may hold the recipe of its image
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == expected
