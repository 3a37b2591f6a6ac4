"""Images that move through the installed chart: from pods to PACS that stand outside, as in life.

One Orthanc gives, over DIMSE or over DICOMweb; Orthanc, dcmtk's programs and a folder take. All jobs run at once.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.orthanc import Orthanc
from adit.testing.programs import Dcmqrscp, Storescp
from adit.testing.pytest_plugin import skip_or_fail
from adit_cli.testing import manifests
from adit_cli.testing.manifests import Manifest
from tests.end_to_end.conftest import resident
from tests.end_to_end.release import CLAIM, Release, Resident, volume_of
from tests.end_to_end.tenant import counts

pytestmark = [pytest.mark.cluster, pytest.mark.peer]

STUDY = ct_study(patients.UMLAUT, instances=5, rows=16, report=True)
UIDS = {str(one.SOPInstanceUID) for one in STUDY.datasets()}
LOGIN = manifests.secret("login", {"header": "Basic ZGVtbzpkZW1v"}, purpose="credential")
FOLDER = {"kind": "DicomFolder", "name": "research"}
# By name of the job: the source's server, and the destination.
WAYS: dict[str, tuple[str, str | dict[str, str]]] = {
    "get-to-orthanc": ("orthanc", "taker"),
    "get-to-dcmqrscp": ("orthanc", "dcmqrscp"),
    "get-to-storescp": ("orthanc", "storescp"),
    "get-to-folder": ("orthanc", FOLDER),
    "wado-to-stow": ("orthanc-web", "taker-web"),
    "wado-to-folder": ("orthanc-web", FOLDER),
}


@dataclass(frozen=True)
class Exchange:
    """All jobs are on their way; `holds` says of each what its destination holds."""

    tenant: Resident
    holds: dict[str, Callable[[], list[str]]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def exchange(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    for program in ("Orthanc", "storescp", "dcmqrscp"):
        skip_or_fail(program)
    folder = tmp_path_factory.mktemp("exchange")
    with ExitStack() as opened:
        tenant = resident(release, folder, opened)
        source = opened.enter_context(Orthanc(folder / "giver", ae_title="GIVER", users={"demo": "demo"}))
        source.upload(STUDY.write(folder / "files"))
        taker = opened.enter_context(Orthanc(folder / "taker", ae_title="TAKER"))
        web_taker = opened.enter_context(Orthanc(folder / "web-taker", ae_title="WEBTAKER"))
        dcmqrscp = opened.enter_context(Dcmqrscp(folder / "dcmqrscp"))
        storescp = opened.enter_context(Storescp(folder / "storescp"))
        tenant.apply(
            LOGIN,
            tenant.server("orthanc", source),
            web_server(tenant, "orthanc-web", source, authorization={"secretRef": {"name": "login", "key": "header"}}),
            tenant.server("taker", taker),
            web_server(tenant, "taker-web", web_taker),
            tenant.server("dcmqrscp", dcmqrscp),
            # it takes one association, and answers no search
            tenant.server(
                "storescp",
                storescp,
                limits={"maxAssociations": 1, "reservedInteractive": 0},
                verification={"method": "StoreResponses"},
            ),
            manifests.resource(
                "DicomFolder", "research", {"volume": {"claimName": CLAIM, "subPath": tenant.namespace}}
            ),
        )
        tenant.apply(
            *(
                manifests.job(name, [STUDY], source=giver, destination=destination)
                for name, (giver, destination) in WAYS.items()
            )
        )
        yield Exchange(
            tenant,
            {
                "get-to-orthanc": lambda: sorted(taker.sop_instance_uids()),
                "wado-to-stow": lambda: sorted(web_taker.sop_instance_uids()),
                "get-to-dcmqrscp": lambda: uids_below(folder / "dcmqrscp" / "archive", "*/CT_*", "CT_*", "SR*"),
                "get-to-storescp": lambda: uids_of(storescp.files()),
                "get-to-folder": lambda: uids_below(
                    volume_of(release, CLAIM) / tenant.namespace, "adit_transfer_get-to-folder_*/**/*.dcm"
                ),
                "wado-to-folder": lambda: uids_below(
                    volume_of(release, CLAIM) / tenant.namespace, "adit_transfer_wado-to-folder_*/**/*.dcm"
                ),
            },
        )


def web_server(tenant: Resident, name: str, peer: Orthanc, **web: Any) -> Manifest:
    address = tenant.publish(peer.http_port)
    return manifests.web_server(name, f"http://{address}:{peer.http_port}/dicom-web", **web)


def uids_below(folder: Path, *patterns: str) -> list[str]:
    return uids_of(sorted({path for pattern in patterns for path in folder.glob(pattern)}))


def uids_of(files: list[Path]) -> list[str]:
    """One for each file, so that what is there twice is seen twice."""
    return sorted(str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in files)


@pytest.mark.parametrize("name", WAYS)
def test_a_study_arrives_whole_and_is_counted_once(exchange: Exchange, name: str) -> None:
    exchange.tenant.wait_for_phase(name, "Success")

    assert exchange.holds[name]() == sorted(UIDS)
    assert exchange.tenant.status(name)["instances"] == counts(len(UIDS))


def test_the_pods_are_those_of_our_programs_and_no_pacs_is_in_one(exchange: Exchange) -> None:
    for name in WAYS:
        exchange.tenant.wait_for_phase(name, "Success")
    release = exchange.tenant.release
    images = set()
    for namespace in (release.namespace, exchange.tenant.namespace):
        words = ("-n", namespace, "get", "pods", "-o", "jsonpath={.items[*].spec.containers[*].image}")
        images |= set(release.kubernetes.kubectl(*words).split())
    names = {image.rpartition(":")[0].rpartition("/")[2] for image in images}
    assert names - {"receiver"} == {"operator", "jobrunner"}
