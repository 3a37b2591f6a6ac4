"""The DICOM upper layer: C-ECHO, C-FIND, C-GET and C-STORE on encoded instances, over pynetdicom's associations."""

from adit.connectors.dimse.connector import DimseConnector

__all__ = ["DimseConnector"]
