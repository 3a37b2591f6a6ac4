"""The objects as a person may write them: strict in metadata too, without what the cluster keeps there."""

import base64
import binascii
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from adit.api.dicom_folder import DicomFolderSpec
from adit.api.dicom_server import DicomServerSpec
from adit.api.fields import LabelKey, LabelValue, Namespace, ObjectName, ResourceName, SecretKey
from adit.api.model import Model
from adit.api.pseudonymization_profile import ProfileName, PseudonymizationProfileSpec
from adit.api.transfer_job import TransferJobSpec

# etcd's and Kubernetes' own limits of one Secret and of all annotations of an object.
MAX_SECRET_BYTES = 1024 * 1024
MAX_ANNOTATION_BYTES = 256 * 1024


def _base64(text: str) -> str:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64: put plain text under stringData") from error
    return text


Annotation = Annotated[str, StringConstraints(max_length=MAX_ANNOTATION_BYTES)]
SecretText = Annotated[str, StringConstraints(max_length=MAX_SECRET_BYTES)]
SecretBytes = Annotated[str, StringConstraints(max_length=2 * MAX_SECRET_BYTES), AfterValidator(_base64)]


class WrittenMetadata(Model):
    """What a person says of an object, whatever its kind."""

    name: ObjectName
    namespace: Namespace | None = None
    labels: Annotated[dict[LabelKey, LabelValue], Field(max_length=100, default_factory=dict)]
    annotations: Annotated[dict[LabelKey, Annotation], Field(max_length=100, default_factory=dict)]

    @model_validator(mode="after")
    def _annotations_fit(self) -> Self:
        if sum(len(key) + len(value.encode()) for key, value in self.annotations.items()) > MAX_ANNOTATION_BYTES:
            raise ValueError(f"annotations: at most {MAX_ANNOTATION_BYTES // 1024} KiB together")
        return self


class ResourceMetadata(WrittenMetadata):
    """As above, for our own kinds."""

    name: ResourceName


class WrittenResource(Model):
    """What all our kinds share."""

    api_version: Literal["adit.dev/v1alpha1"]
    metadata: ResourceMetadata


class WrittenDicomServer(WrittenResource):
    """A PACS, as written."""

    kind: Literal["DicomServer"]
    spec: DicomServerSpec


class WrittenDicomFolder(WrittenResource):
    """A folder, as written."""

    kind: Literal["DicomFolder"]
    spec: DicomFolderSpec


class WrittenTransferJob(WrittenResource):
    """A job, as written."""

    kind: Literal["TransferJob"]
    spec: TransferJobSpec


class ProfileMetadata(ResourceMetadata):
    """As above, without the names that are built in."""

    name: ProfileName


class WrittenPseudonymizationProfile(WrittenResource):
    """A profile, as written."""

    kind: Literal["PseudonymizationProfile"]
    metadata: ProfileMetadata
    spec: PseudonymizationProfileSpec


class WrittenSecret(Model):
    """Kubernetes' own Secret, as written: values under `data` are base64, those under `stringData` plain."""

    api_version: Literal["v1"]
    kind: Literal["Secret"]
    metadata: WrittenMetadata
    type: Annotated[str, StringConstraints(max_length=253)] = "Opaque"
    immutable: bool | None = None
    data: Annotated[dict[SecretKey, SecretBytes], Field(max_length=1000, default_factory=dict)]
    string_data: Annotated[dict[SecretKey, SecretText], Field(max_length=1000, default_factory=dict)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(map(len, self.encoded().values())) * 3 // 4 > MAX_SECRET_BYTES:
            raise ValueError(f"at most {MAX_SECRET_BYTES // 1024} KiB of data in one Secret")
        return self

    def encoded(self) -> dict[str, str]:
        """All values as base64, as the API server keeps them; `stringData` wins."""
        plain = {key: base64.b64encode(value.encode()).decode() for key, value in self.string_data.items()}
        return {key: "".join(value.split()) for key, value in self.data.items()} | plain


WRITTEN: dict[
    str,
    type[WrittenDicomServer | WrittenDicomFolder | WrittenPseudonymizationProfile | WrittenSecret | WrittenTransferJob],
] = {
    "DicomServer": WrittenDicomServer,
    "DicomFolder": WrittenDicomFolder,
    "PseudonymizationProfile": WrittenPseudonymizationProfile,
    "Secret": WrittenSecret,
    "TransferJob": WrittenTransferJob,
}
