"""An object of the API as a typed value: metadata, spec, status; read from the JSON that the cluster holds."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from adit.api.dicom_folder import DicomFolderSpec, DicomFolderStatus
from adit.api.dicom_server import DicomServerSpec, DicomServerStatus
from adit.api.fields import Namespace, ResourceName
from adit.api.model import Model
from adit.api.pseudonymization_profile import ProfileName, PseudonymizationProfileSpec
from adit.api.task_set import TaskSetSpec, TaskSetStatus
from adit.api.transfer_job import TransferJobSpec, TransferJobStatus


class Metadata(BaseModel):
    """The part of meta/v1 ObjectMeta that we read; whatever else a server writes there is not ours."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True)

    name: ResourceName
    namespace: Namespace = "default"
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[dict[str, Any], ...] = ()

    @property
    def controller_uid(self) -> str | None:
        """The UID of the controlling owner."""
        return next((owner["uid"] for owner in self.owner_references if owner.get("controller")), None)


class Resource(Model):
    """What every kind has."""

    kind_name: ClassVar[str]

    api_version: Literal["adit.dev/v1alpha1"] = "adit.dev/v1alpha1"
    metadata: Metadata

    @classmethod
    def read(cls, manifest: dict[str, Any]) -> Self:
        """Read what the cluster holds; an absent status is an empty one."""
        return cls.of(manifest)


class DicomServer(Resource):
    """A PACS."""

    kind_name: ClassVar[str] = "DicomServer"
    kind: Literal["DicomServer"] = "DicomServer"
    spec: DicomServerSpec
    status: DicomServerStatus = DicomServerStatus()


class DicomFolder(Resource):
    """A directory that receives images."""

    kind_name: ClassVar[str] = "DicomFolder"
    kind: Literal["DicomFolder"] = "DicomFolder"
    spec: DicomFolderSpec
    status: DicomFolderStatus = DicomFolderStatus()


class TransferJob(Resource):
    """A transfer that a person asked for."""

    kind_name: ClassVar[str] = "TransferJob"
    kind: Literal["TransferJob"] = "TransferJob"
    spec: TransferJobSpec
    status: TransferJobStatus = TransferJobStatus()


class ProfileMetadata(Metadata):
    """As above; its name is none of those that are built in."""

    name: ProfileName


class PseudonymizationProfile(Resource):
    """How data is de-identified."""

    kind_name: ClassVar[str] = "PseudonymizationProfile"
    kind: Literal["PseudonymizationProfile"] = "PseudonymizationProfile"
    metadata: ProfileMetadata
    spec: PseudonymizationProfileSpec


class TaskSet(Resource):
    """The tasks that one runner works."""

    kind_name: ClassVar[str] = "TaskSet"
    kind: Literal["TaskSet"] = "TaskSet"
    spec: TaskSetSpec
    status: Annotated[TaskSetStatus, Field()] = TaskSetStatus()


# Our kinds, by name.
RESOURCES: dict[str, type[DicomServer | DicomFolder | TransferJob | PseudonymizationProfile | TaskSet]] = {
    "DicomServer": DicomServer,
    "DicomFolder": DicomFolder,
    "TransferJob": TransferJob,
    "PseudonymizationProfile": PseudonymizationProfile,
    "TaskSet": TaskSet,
}
