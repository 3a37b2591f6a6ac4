"""What a person sees of the quarantine, and takes out of it, beside a receiver that runs."""

import argparse
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from adit.transfer.part10 import open_part10
from adit_receiver import quarantine
from tests.receiver.test_crashes import accept, content, started


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    quarantine.add_commands(parser)
    return parser.parse_args(words)


def test_the_quarantine_is_exported_as_a_stream_of_dicom_files(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    accept(started(tmp_path), "1.1", lambda _: None)
    assert list(quarantine.run(asked("export", "-"), tmp_path)) == []
    with tarfile.open(fileobj=io.BytesIO(capfdbinary.readouterr().out)) as archive:
        archive.extractall(tmp_path / "look", filter="data")
    [path] = (tmp_path / "look").iterdir()
    assert path.suffix == ".dcm"
    assert b"".join(open_part10(path).chunks()) == content("1.1")


def test_a_look_needs_no_other_setting(tmp_path: Path) -> None:
    accept(started(tmp_path), "1.1", lambda _: None)
    environment = os.environ | {"ADIT_RECEIVER_SPOOL": str(tmp_path), "ADIT_RECEIVER_PORT": "banana"}
    command = [sys.executable, "-m", "adit_receiver", "quarantine", "list"]
    listed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert "1 instances from PACS" in listed


@pytest.mark.parametrize("days", ["nan", "inf", "-1", "many"])
def test_what_is_no_age_purges_nothing(days: str) -> None:
    with pytest.raises(SystemExit):
        asked("purge", "--older-than", days)
