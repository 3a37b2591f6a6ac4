"""What the operator renders for a runner and the runner reads: environment names, files, and their models (contract 1).

Files lie below the folder that CONFIG_ENV names, one sub-folder per mounted Secret:
source/server.json · source/authorization · destination/server.json or folder.json · destination/authorization ·
settings/settings.json · profile/profile.json · key/key · receiver/key; beside a server's file its tls-ca.crt, tls.crt
and tls.key. Embedded mode gives the same files in a private folder.
"""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from adit.api.dicom_folder import DicomFolderSpec
from adit.api.dicom_server import DicomServerSpec
from adit.api.fields import AETitle, Host, Namespace, ObjectName
from adit.api.model import Model

CONTRACT = 1

TASKSET_NAMESPACE_ENV = "ADIT_TASKSET_NAMESPACE"
TASKSET_NAME_ENV = "ADIT_TASKSET_NAME"
TASKSET_UID_ENV = "ADIT_TASKSET_UID"
ATTEMPT_ENV = "ADIT_ATTEMPT"
CONFIG_ENV = "ADIT_CONFIG"
SPOOL_ENV = "ADIT_SPOOL"
RETRY_ENV = "ADIT_RETRY_SECONDS"
METRICS_ENV = "ADIT_METRICS_PORT"

CONFIG_MOUNT = PurePosixPath("/etc/adit/runner")
SPOOL_MOUNT = PurePosixPath("/var/spool/adit")

SOURCE, DESTINATION, SETTINGS, PROFILE, KEY = "source", "destination", "settings", "profile", "key"
RECEIVER, RECEIVER_KEY_FILE = "receiver", "key"
TLS_AUTHORITIES_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE = "tls-ca.crt", "tls.crt", "tls.key"
SERVER_FILE, FOLDER_FILE = "server.json", "folder.json"
AUTHORIZATION_FILE, SETTINGS_FILE, PROFILE_FILE, KEY_FILE = "authorization", "settings.json", "profile.json", "key"


class RenderedServer(Model):
    """A DicomServer as it was when rendered; its credential lies beside it in a file of its own.

    A runner stops itself when the windows of its spec close. `requests_per_minute` is this runner's share of what the
    endpoint allows, absent where it allows anything; an image that does not know the field ends BadInput.
    """

    contract: Literal[1] = 1
    namespace: Namespace
    name: ObjectName
    spec: DicomServerSpec
    requests_per_minute: Annotated[float, Field(gt=0, le=100_000)] | None = None


class RenderedFolder(Model):
    """A DicomFolder as it was when rendered; its volume is mounted at MOUNT_DIR/<claimName>/<subPath>."""

    contract: Literal[1] = 1
    namespace: Namespace
    name: ObjectName
    spec: DicomFolderSpec


class ReceiverSettings(Model):
    """The receiver of the installation: the AE title that sources send to, and where its instances are handed out.

    Each address behind `host` is one of its replicas; the key that both sides prove themselves with lies in a file.
    """

    ae_title: AETitle
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)]


class RunnerSettings(Model):
    """The program settings, by ADIT's names in the environment of the operator."""

    contract: Literal[1] = 1
    calling_ae_title: AETitle = "ADIT"
    exclude_modalities: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Z0-9]{2,16}$")], ...], Field(max_length=50)
    ] = (
        "PR",
        "SR",
    )
    mount_dir: Annotated[str, Field(max_length=500)]
    receiver: ReceiverSettings | None = None
    """Absent where there is none: C-MOVE is no way of fetching then. An older image ends BadInput where it is given."""
