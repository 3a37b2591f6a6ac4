"""What it costs to open a connector: pynetdicom is imported where a server asks for it, and nowhere else."""

import subprocess
import sys

import pytest

OPENED = """
import sys
from pathlib import Path
from adit.api.dicom_server import DicomServerSpec
from adit.connectors import Target, open_connector
from adit.errors import PeerUnavailable
spec = DicomServerSpec.of({"aeTitle": "X", "dimse": {"host": "127.0.0.1", "port": 1, "implementation": sys.argv[1]}})
try:
    open_connector(Target("x", spec, "ADIT", Path("/nowhere"))).echo()
except PeerUnavailable:
    print("pynetdicom" in sys.modules)
"""


@pytest.mark.parametrize(("implementation", "imported"), [("Native", "False"), ("Pynetdicom", "True")])
def test_pynetdicom_is_imported_for_its_own_implementation_only(implementation: str, imported: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", OPENED, implementation], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.splitlines()[-1] == imported
