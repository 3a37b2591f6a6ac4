"""How one object names another: servers, folders, and the Secrets that credentials stay in."""

from typing import Literal

from adit.api.fields import Namespace, ObjectName, SecretKey
from adit.api.model import Model


class SourceRef(Model):
    """The PACS that images come from; the namespace defaults to the job's."""

    kind: Literal["DicomServer"] = "DicomServer"
    name: ObjectName
    namespace: Namespace | None = None


class DestinationRef(Model):
    """Where images go: a PACS or a folder; the namespace defaults to the job's."""

    kind: Literal["DicomServer", "DicomFolder"] = "DicomServer"
    name: ObjectName
    namespace: Namespace | None = None


class SecretRef(Model):
    """One key of a Secret in the referrer's own namespace."""

    name: ObjectName
    key: SecretKey
