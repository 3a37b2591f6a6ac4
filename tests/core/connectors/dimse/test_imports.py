"""What it costs to open a connector: pynetdicom is imported where a server asks for it, and nowhere else."""

import subprocess
import sys

OPENED = """
import sys
from pathlib import Path
from adit.api.dicom_server import DicomServerSpec
from adit.connectors import Target, open_connector
from adit.errors import PeerUnavailable
for implementation in ("Native", "Pynetdicom"):
    dimse = {"host": "127.0.0.1", "port": 1, "implementation": implementation}
    spec = DicomServerSpec.of({"aeTitle": "X", "dimse": dimse})
    try:
        open_connector(Target("x", spec, "ADIT", Path("/nowhere"))).echo()
    except PeerUnavailable:
        print(implementation, "pynetdicom" in sys.modules)
"""


def test_pynetdicom_is_imported_for_its_own_implementation_only() -> None:
    answer = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True, check=True, timeout=60)
    said = [line for line in answer.stdout.splitlines() if line.startswith(("Native", "Pynetdicom"))]
    assert said == ["Native False", "Pynetdicom True"]
