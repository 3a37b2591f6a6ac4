"""The record of what was started: a process is itself only with its start time, a run folder only if it is ours."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster import node
from tests.cluster.node import Node
from tests.cluster.processes import Process, launch, recorded
from tests.cluster.progress import ClusterError


def test_a_process_is_found_again_by_its_record(tmp_path: Path) -> None:
    own = Process.of(os.getpid())
    assert own is not None
    own.write(tmp_path / "pid")
    assert Process.read(tmp_path / "pid") == own


def test_a_number_that_was_given_again_is_another_process(tmp_path: Path) -> None:
    Process(os.getpid(), "1").write(tmp_path / "pid")
    assert Process.read(tmp_path / "pid") is None


@pytest.mark.parametrize("text", [None, "", "half"])
def test_a_record_that_is_missing_or_half_written_names_nobody(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "pid").write_text(text)
    assert Process.read(tmp_path / "pid") is None


def test_what_is_launched_outlives_its_starter_and_is_ended_by_its_record(tmp_path: Path) -> None:
    launch(["sh", "-c", f'echo $$ >"{tmp_path}/pid"; exec sleep 60'], log=tmp_path / "log")
    process = recorded(tmp_path / "pid", tmp_path / "log")
    assert Process.of(process.pid) == process
    process.kill()
    assert Process.of(process.pid) is None


def test_a_program_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    launch(["sh", "-c", "exit 1"], log=tmp_path / "log")
    with pytest.raises(ClusterError, match=f"see {tmp_path}/log"):
        recorded(tmp_path / "pid", tmp_path / "log", within=0.2)


def test_down_without_a_cluster_does_nothing(tmp_path: Path) -> None:
    assert node.down(Node(tmp_path / "run")) is False


def test_down_ends_no_process_that_only_has_a_recorded_number(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    with subprocess.Popen(["sleep", "60"]) as bystander:
        try:
            Process(bystander.pid, "1").write(run / "node.pid")
            assert node.down(Node(run)) is True
            assert bystander.poll() is None
            assert not run.exists()
        finally:
            bystander.kill()


def test_a_run_folder_that_somebody_else_laid_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ClusterError, match="not a folder of ours"):
        node.claim(tmp_path / "run")


def test_a_run_folder_that_others_may_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o755)
    with pytest.raises(ClusterError, match="not a folder of ours"):
        node.claim(tmp_path / "run")


def test_a_stopped_node_is_not_entered(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="make cluster"):
        Node(tmp_path).inside("true")
