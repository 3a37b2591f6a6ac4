"""Neither who sends nor who receives a large instance holds it in memory."""

import filecmp
import subprocess
import sys
from pathlib import Path

MEASURED = Path(__file__).with_name("measured_roles.py")
LIMIT_KILOBYTES = 60_000
SIZE = 200_000_000


def test_an_instance_of_200_mb_passes_two_small_processes(tmp_path: Path) -> None:
    sent, received = tmp_path / "sent", tmp_path / "received"
    with sent.open("wb") as file:
        file.write(bytes(range(256)) * 4096)
        file.truncate(SIZE)
    receiver = subprocess.Popen(
        [sys.executable, MEASURED, "receive", received], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert receiver.stdout is not None
    port = receiver.stdout.readline().strip()
    sender = subprocess.run(
        [sys.executable, MEASURED, "send", port, sent], capture_output=True, text=True, check=True, timeout=60
    )
    peak, _ = receiver.communicate(timeout=30)

    assert filecmp.cmp(sent, received, shallow=False)
    assert int(sender.stdout) < LIMIT_KILOBYTES
    assert int(peak) < LIMIT_KILOBYTES
