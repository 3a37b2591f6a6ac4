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
    sub_path: RelativePath | None = None


class DicomFolderSpec(Model):
    """A place for files."""

    volume: Volume
    layout: Literal["Adit"] = "Adit"
    allowed_consumers: Annotated[tuple[Consumer, ...], Field(max_length=50)] = ()


class DicomFolderStatus(Model):
    """What the operator saw of the folder."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10)] = ()
