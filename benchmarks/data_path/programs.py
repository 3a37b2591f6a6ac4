"""The programs of the table as command lines: dcmtk's at their largest PDU, ours as a person types them."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from adit.testing.orthanc import Orthanc
from adit.testing.programs import HOST, require_program
from benchmarks.data_path.sinks import Sink
from benchmarks.studies import StudyFiles

MAX_PDU: Final = ("-pdu", "131072")
ADIT: Final = (sys.executable, "-m", "adit_cli")
CONNECTOR: Final = (sys.executable, "-m", "benchmarks.data_path.connector_child")
GET_THEN_STORE: Final = (sys.executable, "-m", "benchmarks.data_path.get_then_store")

Send = Callable[[Sink, StudyFiles], list[str]]
Get = Callable[[Orthanc, StudyFiles, Path], list[str]]


def dcmtk(name: str, *arguments: str) -> list[str]:
    return [str(require_program(name)), *MAX_PDU, *arguments]


def dcmsend(sink: Sink, study: StudyFiles) -> list[str]:
    return dcmtk("dcmsend", "+sd", "-aec", sink.ae_title, HOST, str(sink.port), str(study.directory))


def storescu(sink: Sink, study: StudyFiles) -> list[str]:
    return dcmtk("storescu", "+sd", "-aec", sink.ae_title, HOST, str(sink.port), str(study.directory))


def adit_send(sink: Sink, study: StudyFiles) -> list[str]:
    return [*ADIT, "send", str(study.directory), f"{sink.ae_title}@{HOST}:{sink.port}"]


def getscu(source: Orthanc, study: StudyFiles, folder: Path) -> list[str]:
    asked = study_keys(study)
    return dcmtk("getscu", "-S", "+B", "-aec", source.ae_title, *asked, "-od", str(folder), HOST, str(source.port))


def adit_fetch(source: Orthanc, study: StudyFiles, folder: Path) -> list[str]:
    peer = f"{source.ae_title}@{HOST}:{source.port}"
    return [*ADIT, "fetch", peer, "--study", study.study_instance_uid, str(folder)]


def movescu(source: Orthanc, study: StudyFiles, destination: str) -> list[str]:
    asked = study_keys(study)
    return dcmtk("movescu", "-S", "-aec", source.ae_title, "-aem", destination, *asked, HOST, str(source.port))


def findscu(source: Orthanc, patient_id: str) -> list[str]:
    asked = [f"PatientID={patient_id}", "PatientName", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber"]
    asked += ["StudyDate", "StudyTime", "StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedInstances"]
    keys = [word for key in ["QueryRetrieveLevel=STUDY", *asked] for word in ("-k", key)]
    return dcmtk("findscu", "-S", "-aec", source.ae_title, *keys, HOST, str(source.port))


def study_keys(study: StudyFiles) -> list[str]:
    return ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study.study_instance_uid}"]


def server(ae_title: str, port: int, **dimse: Any) -> Mapping[str, Any]:
    """The spec of a DicomServer on the loopback interface."""
    return {"aeTitle": ae_title, "dimse": {"host": HOST, "port": port, **dimse}}


def order(do: str, spec: Mapping[str, Any], folder: Path, **told: Any) -> str:
    """What the connector's child is told."""
    return json.dumps({"do": do, "server": spec, "folder": str(folder), **told})
