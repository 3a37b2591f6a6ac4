"""What a connector needs to reach one peer: its spec, our AE title, and the credential that was mounted beside it."""

from dataclasses import dataclass, field
from pathlib import Path

from adit.api.dicom_folder import DicomFolderSpec
from adit.api.dicom_server import DicomServerSpec
from adit.connectors.openings import UNCOUNTED, Openings
from adit.connectors.pace import AT_WILL, Pace
from adit.transmit.access import ReceiverAccess


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files as they were mounted beside the server: whom we trust, and who we are; None where none was given."""

    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One peer as the program that opens it sees it.

    `authorization` is the value of the HTTP Authorization header; it never appears in a repr, an error or a log. `pace`
    keeps the requests apart, whatever way they go; `openings` is told of associations. `receiver` takes in what a
    C-MOVE brings; None where there is none.
    """

    name: str
    spec: DicomServerSpec | DicomFolderSpec
    calling_ae_title: str
    mount_dir: Path
    authorization: str | None = field(default=None, repr=False)
    tls: TlsFiles = TlsFiles()
    receiver: ReceiverAccess | None = None
    pace: Pace = field(default=AT_WILL, repr=False, compare=False)
    openings: Openings = field(default=UNCOUNTED, repr=False, compare=False)
