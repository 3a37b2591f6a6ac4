"""A directory on a volume as a destination, in ADIT's layout."""

from adit.connectors.folder.connector import FolderConnector

__all__ = ["FolderConnector"]
