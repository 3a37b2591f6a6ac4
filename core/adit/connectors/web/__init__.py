"""A PACS over HTTP: QIDO-RS to find, WADO-RS to fetch, STOW-RS to store (PS3.18)."""

from adit.connectors.web.connector import DicomWebConnector

__all__ = ["DicomWebConnector"]
