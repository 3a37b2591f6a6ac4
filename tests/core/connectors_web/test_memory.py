"""A large instance passes through without ever being in memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adit.testing.odd_files import large_file
from adit.testing.orthanc import Orthanc

pytestmark = [pytest.mark.peer, pytest.mark.slow]
LIMIT_KIB = 150 << 10

# A process of its own: what is measured is the peak of one runner.
TRANSFER = """
import json, sys
from pathlib import Path
from adit.api.dicom_server import DicomServerSpec
from adit.connectors.target import Target
from adit.connectors.web import DicomWebConnector
from adit.query import Level, Query, Selection
from adit.transfer.placement import Placement

def opened(url):
    spec = DicomServerSpec.of({"aeTitle": "PACS", "dicomweb": {"url": url, "responseTimeoutSeconds": 120}})
    return DicomWebConnector(Target("pacs", spec, "ADIT", Path("/nowhere")))

source, destination, spool = sys.argv[1:]
with opened(source) as sender, opened(destination) as receiver:
    [study] = sender.find(Query(Level.STUDY))
    arriving = sender.fetch(Selection("", str(study.StudyInstanceUID)), Path(spool))
    stored = [one.stored for one in receiver.store(arriving, Placement("job"))]
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({"stored": stored, "peak": int(status["VmHWM"].split()[0])}))
"""


def test_200_megabytes_pass_in_150(two_orthancs: tuple[Orthanc, Orthanc], tmp_path: Path, spool: Path) -> None:
    source, destination = two_orthancs
    source.upload([large_file(tmp_path / "spool", 200)])
    command = [sys.executable, "-c", TRANSFER, source.dicomweb_url, destination.dicomweb_url, str(spool)]
    result = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    answer = json.loads(result.stdout)
    assert answer["stored"] == [True]
    assert answer["peak"] < LIMIT_KIB
    assert destination.sop_instance_uids() == source.sop_instance_uids()
