"""How one object names another: servers, folders, and the Secrets that credentials stay in."""

from typing import Literal

from adit.api.fields import Namespace, ObjectName, SecretKey
from adit.api.model import Model


class SourceRef(Model):
    """The PACS that images come from; the namespace defaults to the job's."""

    kind: Literal["DicomServer"] = "DicomServer"
    """The kind of the source."""
    name: ObjectName
    """The DicomServer's name."""
    namespace: Namespace | None = None
    """Its namespace; the job's where absent."""


class DestinationRef(Model):
    """Where images go: a PACS or a folder; the namespace defaults to the job's."""

    kind: Literal["DicomServer", "DicomFolder"] = "DicomServer"
    """A PACS or a folder."""
    name: ObjectName
    """The server's or folder's name."""
    namespace: Namespace | None = None
    """Its namespace; the job's where absent."""


class SecretRef(Model):
    """One key of a Secret in the referrer's own namespace."""

    name: ObjectName
    """The Secret's name."""
    key: SecretKey
    """The key in its data."""
