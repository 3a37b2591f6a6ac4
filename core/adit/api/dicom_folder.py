"""DicomFolder: a directory on a volume that images are written to, in ADIT's layout."""

from typing import Annotated, Literal

from pydantic import Field

from adit.api.access import Consumer
from adit.api.conditions import Condition
from adit.api.fields import ObjectName, RelativePath
from adit.api.model import Model


class Volume(Model):
    """The claim and the path in it: MOUNT_DIR/<claimName>/<subPath> in a pod, a plain folder of that path embedded."""

    claim_name: ObjectName
    """The PersistentVolumeClaim in the runner namespace; embedded, a folder of this name."""
    sub_path: RelativePath | None = None
    """A folder in it."""


class DicomFolderSpec(Model):
    """A place for files."""

    volume: Volume
    """Where the folder lies."""
    layout: Literal["Adit"] = "Adit"
    """How folders and files are named."""
    allowed_consumers: Annotated[tuple[Consumer, ...], Field(max_length=50)] = ()
    """Who else may use the folder; without it only its own namespace."""


class DicomFolderStatus(Model):
    """What the operator saw of the folder."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
