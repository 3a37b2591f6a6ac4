"""One file per way of speaking to a peer, behind one protocol; DICOM errors are translated here."""

from adit.connectors.operator import open_connector
from adit.connectors.target import Target

__all__ = ["Target", "open_connector"]
