"""A runner may use 150 MB: neither a large instance nor a long study lies in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from adit.testing.datasets import ct_study
from adit.testing.odd_files import STUDY_UID, large_file
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import data_set_bytes
from adit.testing.patients import PLAIN
from adit.testing.programs import Storescp

LIMIT_MEBIBYTES = {"Native": 90, "Pynetdicom": 120}
MEASURED = Path(__file__).with_name("measured_pass_through.py")


def pass_through(
    implementation: str, source: LoopbackPacs, destination: Storescp, study: str, spool: Path
) -> tuple[int, int]:
    """Instances stored, and the peak memory in MiB of the process that passed them through."""
    command = [
        sys.executable,
        str(MEASURED),
        implementation,
        source.ae_title,
        source.port,
        destination.ae_title,
        destination.port,
    ]
    answer = subprocess.run(
        [*map(str, command), study, str(spool)], capture_output=True, text=True, check=True, timeout=100
    )
    stored, peak = answer.stdout.split()
    return int(stored), int(peak)


@pytest.mark.slow
@pytest.mark.peer
def test_an_instance_of_200_mb_passes_through_a_small_process(
    implementation: str, loopback_pacs: LoopbackPacs, storescp: Storescp, tmp_path: Path, spool: Path
) -> None:
    large = large_file(tmp_path, 200)
    loopback_pacs.load([large])
    stored, peak = pass_through(implementation, loopback_pacs, storescp, STUDY_UID, spool)
    assert stored == 1
    assert peak < LIMIT_MEBIBYTES[implementation]
    [file] = storescp.files()
    assert data_set_bytes(file) == data_set_bytes(large)


@pytest.mark.slow
@pytest.mark.peer
def test_memory_does_not_grow_with_the_study(
    loopback_pacs: LoopbackPacs, storescp: Storescp, tmp_path: Path, spool: Path
) -> None:
    peaks = []
    for count in (20, 500):
        study = ct_study(PLAIN, instances=count, label=f"of-{count}")
        loopback_pacs.load(study.write(tmp_path / study.label))
        stored, peak = pass_through("Native", loopback_pacs, storescp, study.study_instance_uid, spool)
        assert stored == count
        peaks.append(peak)
    assert peaks[1] < LIMIT_MEBIBYTES["Native"]
    assert peaks[1] - peaks[0] < 10
