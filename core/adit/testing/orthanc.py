"""Orthanc with its DICOMweb plugin as a started process: the DICOMweb peer of tests and benchmarks."""

import base64
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from adit.testing.programs import MissingProgram, Program, answers, free_port, require_program

_PLUGIN_FOLDERS: Final = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc", "/usr/local/share/orthanc/plugins")
_TIMEOUT: Final = 30.0


class Orthanc(Program):
    """An Orthanc that takes and gives everything; `users` (name → password) switches HTTP Basic authentication on.

    `tcp_nodelay=False` runs it as Debian installs it. `modalities` maps the AE titles that C-MOVE may send to onto
    (host, port). `options` overrides its configuration.
    """

    stop_signals = (signal.SIGKILL,)  # a polite end takes it three seconds, and nobody needs its files afterwards

    def __init__(
        self,
        directory: Path,
        *,
        tcp_nodelay: bool = True,
        ae_title: str = "ORTHANC",
        users: Mapping[str, str] | None = None,
        modalities: Mapping[str, tuple[str, int]] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(directory, tcp_nodelay=tcp_nodelay)
        self.ae_title = ae_title
        self.port = free_port()
        self.http_port = free_port()
        self._users = dict(users or {})
        self._modalities = dict(modalities or {})
        self._options = dict(options or {})

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.http_port}"

    @property
    def dicomweb_url(self) -> str:
        return f"{self.url}/dicom-web"

    def command(self) -> Sequence[str]:
        program = str(require_program("Orthanc"))
        config = self.directory / "orthanc.json"
        config.write_text(json.dumps(self._configuration()), "utf-8")
        return [program, str(config)]

    def ready(self) -> bool:
        try:
            self._call("GET", "/system")
        except (urllib.error.URLError, OSError):
            return False
        return answers(self.port)

    # content, by its REST API -----------------------------------------------------------------------------------------

    def upload(self, paths: Iterable[Path]) -> None:
        """Store Part-10 files."""
        for path in paths:
            self._call("POST", "/instances", path.read_bytes())

    def sop_instance_uids(self) -> set[str]:
        """The SOP Instance UIDs of everything stored."""
        found = json.loads(self._call("GET", "/instances?expand"))
        return {instance["MainDicomTags"]["SOPInstanceUID"] for instance in found}

    def file(self, sop_instance_uid: str) -> bytes:
        """The Part-10 file of one instance as Orthanc keeps it."""
        [identity] = json.loads(self._call("POST", "/tools/lookup", sop_instance_uid.encode()))[:1]
        return self._call("GET", f"/instances/{identity['ID']}/file")

    def clear(self) -> None:
        """Delete every patient."""
        for identity in json.loads(self._call("GET", "/patients")):
            self._call("DELETE", f"/patients/{identity}")

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, body, method=method)  # noqa: S310 - http to ourselves
        for name, password in list(self._users.items())[:1]:
            credentials = base64.b64encode(f"{name}:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310 - http to ourselves
            content: bytes = response.read()
        return content

    def _configuration(self) -> dict[str, Any]:
        storage = str(self.directory / "storage")
        return {
            "Name": "ADIT test peer",
            "StorageDirectory": storage,
            "IndexDirectory": storage,
            "StorageCompression": False,
            "SyncStorageArea": False,
            "OverwriteInstances": True,
            "Plugins": [str(dicomweb_plugin())],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "Ssl": False},
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": True,
            "AuthenticationEnabled": bool(self._users),
            "RegisteredUsers": self._users,
            "DicomAet": self.ae_title,
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "DicomCheckModalityHost": False,
            "DicomAlwaysAllowEcho": True,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "UnknownSopClassAccepted": True,
            "MaximumPduLength": 131072,
            "ConcurrentJobs": 4,
            "DicomScpTimeout": 60,
            "DicomScuTimeout": 60,
            "DicomModalities": {aet: [aet, host, port] for aet, (host, port) in self._modalities.items()},
            **self._options,
        }


def dicomweb_plugin() -> Path:
    """The installed DICOMweb plugin; raises MissingProgram."""
    for folder in _PLUGIN_FOLDERS:
        for path in sorted(Path(folder).glob("libOrthancDicomWeb.so*")):
            return path
    raise MissingProgram("the DICOMweb plugin of Orthanc is not installed; on Debian: apt-get install orthanc-dicomweb")
