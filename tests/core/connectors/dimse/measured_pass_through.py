"""Run by test_memory.py as a process of its own: fetch a study, store it elsewhere, print the peak memory in MiB."""

import sys
from pathlib import Path

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.dimse import DimseConnector
from adit.connectors.target import Target
from adit.query import Selection
from adit.transfer.placement import Placement


def connector(ae_title: str, port: str, implementation: str) -> DimseConnector:
    dimse = {"host": "127.0.0.1", "port": int(port), "implementation": implementation}
    spec = DicomServerSpec.of({"aeTitle": ae_title, "dimse": dimse})
    return DimseConnector(Target(ae_title.lower(), spec, "ADIT", Path("/nowhere")))


def peak_mebibytes() -> int:
    """The highest resident set of this process so far, as the kernel counts it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("utf-8").splitlines())
    return int(status["VmHWM"].split()[0]) >> 10


def main(  # noqa: PLR0917 - a command line
    implementation: str, source: str, source_port: str, destination: str, destination_port: str, study: str, spool: str
) -> None:
    with (
        connector(source, source_port, implementation) as one,
        connector(destination, destination_port, implementation) as other,
    ):
        fetched = one.fetch(Selection("SYN-0001", study), Path(spool))
        stored = sum(outcome.stored for outcome in other.store(fetched, Placement("job")))
    print(stored, peak_mebibytes())  # noqa: T201 - its answer


if __name__ == "__main__":
    main(*sys.argv[1:])
