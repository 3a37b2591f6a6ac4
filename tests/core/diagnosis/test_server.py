"""A DicomServer examined over real associations and HTTP: each defect of a peer has its own word."""

import base64
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at run time

from adit.api.endpoint import Endpoint, endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.cluster import ClusterUnavailable, Forbidden, ObjectNotFound
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.slots import EmbeddedSlots
from adit.diagnosis.description import described, hurried
from adit.diagnosis.finding import Doing, Finding
from adit.diagnosis.server import Manner, Visit, examine_server
from adit.diagnosis.wanted import Wanted, chosen
from adit.errors import AditError, BadInput
from adit.testing.cluster import embedded_cluster
from adit.testing.faults import Faults
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import Dcmqrscp, free_port
from adit.testing.pytest_plugin import skip_or_fail
from adit_cli.testing import manifests

DICOM_JSON = {"Content-Type": "application/dicom+json", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
MANNER = Manner("ADIT", "a test", 0.0, seconds=1.0)


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EmbeddedCluster]:
    async with embedded_cluster(tmp_path / "data") as opened:
        yield opened


async def examined(cluster: EmbeddedCluster, manifest: dict[str, Any], manner: Manner = MANNER) -> list[Finding]:
    """What is found out about a server."""
    server = DicomServer.read(await cluster.create(manifest))
    visit = Visit(cluster, cluster.interactive_slots(), manner)
    async with aclosing(examine_server(server, visit)) as reports:
        return [report async for report in reports if not isinstance(report, Doing)]


def codes(findings: list[Finding], *verdicts: str) -> list[str]:
    return [one.code for one in findings if not verdicts or one.verdict in verdicts]


async def test_a_pacs_that_is_well_has_nothing_to_say(cluster: EmbeddedCluster, loopback_pacs: LoopbackPacs) -> None:
    findings = await examined(cluster, manifests.server("pacs", loopback_pacs))
    assert codes(findings) == ["HostFound", "PortOpen", "Associated", "ServicesAccepted", "Echoed", "Searched"]
    assert all(one.verdict == "ok" for one in findings)


@pytest.mark.peer
async def test_orthanc_is_well_over_both_ways(cluster: EmbeddedCluster, tmp_path: Path) -> None:
    skip_or_fail("Orthanc")
    header = "Basic " + base64.b64encode(b"demo:demo").decode()
    await cluster.create(manifests.secret("login", {"header": header, "wrong": "Basic eA=="}, purpose="credential"))
    with Orthanc(tmp_path / "orthanc", users={"demo": "demo"}) as orthanc:
        for key, problems in (("header", []), ("wrong", ["CredentialRefused"])):
            web = {"url": orthanc.dicomweb_url, "authorization": {"secretRef": {"name": "login", "key": key}}}
            findings = await examined(cluster, manifests.server(key, orthanc, dicomweb=web))
            assert codes(findings, "problem", "warning") == problems
            assert {"Echoed", "Searched"} <= set(codes(findings))
            assert ("WebAnswered" in codes(findings)) == (problems == [])


@pytest.mark.peer
async def test_a_dcmqrscp_is_well(cluster: EmbeddedCluster, dcmqrscp: Dcmqrscp) -> None:
    findings = await examined(cluster, manifests.server("pacs", dcmqrscp))
    assert codes(findings, "problem", "warning") == []
    assert {"Echoed", "Searched"} <= set(codes(findings))


async def test_an_ae_title_that_the_pacs_does_not_know_is_to_be_registered(
    cluster: EmbeddedCluster, tmp_path: Path
) -> None:
    with LoopbackPacs(tmp_path / "pacs", allowed_calling=["OTHER"]) as pacs:
        (finding,) = [one for one in await examined(cluster, manifests.server("pacs", pacs)) if one.verdict != "ok"]
    assert finding.code == "CallingTitleRefused"
    assert "register AE title ADIT with the PACS" in finding.fix


async def test_an_ae_title_that_is_not_the_pacs_own_is_to_be_corrected(
    cluster: EmbeddedCluster, tmp_path: Path
) -> None:
    with LoopbackPacs(tmp_path / "pacs", ae_title="ELSE") as pacs:
        findings = await examined(cluster, manifests.server_at("pacs", pacs.port, "PACS"))
    assert codes(findings, "problem") == ["CalledTitleRefused"]


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        (Faults(reject_associations=True, rejection=(2, 3, 2)), "PeerBusy"),
        (Faults(reject_associations=True, rejection=(2, 3, 1)), "PeerBusy"),
        (Faults(reject_associations=True, rejection=(1, 1, 1)), "AssociationRejected"),
        (Faults(silent=True), "ServiceSilent"),
        (Faults(find_status=0xC001), "ServiceFails"),
        (Faults(find_status=0x0124), "ServiceDenied"),
    ],
)
async def test_each_misbehaviour_has_its_own_word(
    cluster: EmbeddedCluster, tmp_path: Path, faults: Faults, problem: str
) -> None:
    with LoopbackPacs(tmp_path / "pacs", faults=faults) as pacs:
        findings = await examined(cluster, manifests.server("pacs", pacs))
    assert codes(findings, "problem") == [problem]
    assert all(one.cause and one.fix for one in findings if one.verdict in {"problem", "warning"})


async def test_a_pacs_that_does_not_answer_is_looked_at_before_anybody_touches_it(
    cluster: EmbeddedCluster, tmp_path: Path
) -> None:
    with LoopbackPacs(tmp_path / "pacs", faults=Faults(silent=True)) as pacs:
        findings = await examined(cluster, manifests.server("silent", pacs))
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        findings += await examined(cluster, manifests.server_at("deaf", deaf.getsockname()[1]))
    fixes = {one.code: one.fix for one in findings if one.verdict == "problem"}
    assert set(fixes) == {"ServiceSilent", "NoAssociation"}
    assert not any("restart" in fix for fix in fixes.values()), "others work with it too"
    for fix in fixes.values():
        assert fix.index("log") < fix.index("administrator")


async def test_a_service_that_is_claimed_and_not_accepted_is_a_warning(
    cluster: EmbeddedCluster, tmp_path: Path
) -> None:
    with LoopbackPacs(tmp_path / "pacs", faults=Faults(no_storage_contexts=True)) as pacs:
        (finding,) = [one for one in await examined(cluster, manifests.server("pacs", pacs)) if one.verdict != "ok"]
    assert finding.code == "ServiceNotAccepted"
    assert "spec.dimse.store" in finding.what
    assert "spec.dimse.get" not in finding.what


@pytest.fixture
def echo_only() -> Iterator[int]:
    """A peer that takes C-ECHO and nothing else."""
    entity = AE("PACS")
    entity.add_supported_context(Verification)
    server = entity.start_server(("127.0.0.1", 0), block=False)
    assert server is not None
    assert server.socket is not None
    yield int(server.socket.getsockname()[1])
    server.shutdown()


async def test_a_peer_without_c_find_is_echoed_and_not_searched(cluster: EmbeddedCluster, echo_only: int) -> None:
    findings = await examined(cluster, manifests.server_at("pacs", echo_only))
    assert codes(findings, "warning") == ["ServiceNotAccepted"]
    assert codes(findings)[-1] == "Echoed"


async def test_a_port_that_is_no_dicom_port_is_told_from_one_that_is_closed(cluster: EmbeddedCluster) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        findings = await examined(cluster, manifests.server_at("deaf", deaf.getsockname()[1]))
    assert codes(findings, "problem") == ["NoAssociation"]
    assert codes(await examined(cluster, manifests.server_at("closed", free_port())), "problem") == ["PortClosed"]


@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [
        (401, {}, b"", "CredentialRefused"),
        (403, {}, b"", "CredentialRefused"),
        (404, {}, b"", "WrongUrl"),
        (302, {"Location": "https://login.example/"}, b"", "Redirected"),
        (503, {}, b"", "CannotAnswerNow"),
        (200, {"Content-Type": "text/html"}, b"<html>sign in</html>", "NotDicomWeb"),
        (400, {}, b"", "WebFailed"),
    ],
)
async def test_each_refusal_over_http_has_its_own_word(
    cluster: EmbeddedCluster, status: int, headers: dict[str, str], body: bytes, code: str
) -> None:
    with HttpPeer([Response("GET", "/", status, headers, (body,))]) as peer:
        findings = await examined(cluster, manifests.web_server("web", peer.url))
    assert codes(findings, "problem") == [code]


async def test_a_dicomweb_server_that_is_well_is_asked_for_nothing_that_exists(cluster: EmbeddedCluster) -> None:
    with HttpPeer([Response("GET", "/studies", 200, {"Content-Type": "application/dicom+json"}, (b"[]",))]) as peer:
        findings = await examined(cluster, manifests.web_server("web", peer.url))
        (request,) = peer.requests
    assert request.path == "/studies?StudyInstanceUID=2.25.0&limit=1"
    assert codes(findings, "problem", "warning") == []
    assert "ClocksAgree" in codes(findings)


async def test_a_server_that_only_gives_images_may_say_that_it_has_none(cluster: EmbeddedCluster) -> None:
    with HttpPeer([]) as peer:  # answers everything with 404
        findings = await examined(cluster, manifests.web_server("web", peer.url, qido=False))
        assert peer.requests[0].path == "/studies/2.25.0/metadata"
    assert codes(findings, "problem") == []
    assert "WebAnswered" in codes(findings)


async def test_a_server_that_answers_with_what_was_not_asked_for_shows_no_patient(cluster: EmbeddedCluster) -> None:
    row = b'[{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "SECRET^NAME"}]}}]'
    with HttpPeer([Response("GET", "/studies", 200, {"Content-Type": "application/dicom+json"}, (row,))]) as peer:
        findings = await examined(cluster, manifests.web_server("web", peer.url))
    assert codes(findings, "warning") == ["SearchIgnoresKeys"]
    assert "SECRET" not in repr(findings)


async def test_the_credential_is_sent_and_never_shown(cluster: EmbeddedCluster) -> None:
    await cluster.create(manifests.secret("web", {"header": "Bearer hush"}, purpose="credential"))
    with HttpPeer([Response("GET", "/studies", 204)]) as peer:
        manifest = manifests.web_server("web", peer.url, authorization={"secretRef": {"name": "web", "key": "header"}})
        findings = await examined(cluster, manifest)
        assert peer.requests[0].headers["Authorization"] == "Bearer hush"
    assert "SecretFound" in codes(findings)
    assert "hush" not in repr(findings)


@pytest.mark.parametrize(
    ("labels", "key", "code"),
    [
        ({}, "header", "SecretNotLabelled"),
        ({"purpose": "key"}, "header", "SecretNotLabelled"),
        ({"purpose": "credential"}, "other", "SecretMissing"),
    ],
)
async def test_a_secret_that_cannot_be_used_is_a_problem_and_the_server_is_not_asked(
    cluster: EmbeddedCluster, labels: dict[str, str], key: str, code: str
) -> None:
    await cluster.create(manifests.secret("web", {key: "Bearer x"}, **labels))
    with HttpPeer([Response("GET", "/", 204)]) as peer:
        manifest = manifests.web_server("web", peer.url, authorization={"secretRef": {"name": "web", "key": "header"}})
        findings = await examined(cluster, manifest)
        assert peer.requests == ()
    assert codes(findings, "problem") == [code]


async def test_no_association_is_opened_without_a_slot(cluster: EmbeddedCluster, loopback_pacs: LoopbackPacs) -> None:
    manifest = manifests.server("pacs", loopback_pacs)
    spec = DicomServer.read(manifest).spec
    async with EmbeddedSlots(cluster.data).acquire(endpoint_of(spec), 1, "somebody else"):
        findings = await examined(cluster, manifest)
    assert codes(findings, "warning") == ["SlotsTaken"]
    assert "somebody else" in next(one.what for one in findings if one.code == "SlotsTaken")
    assert "Associated" not in codes(findings)


class NoSlots:
    """Slots that cannot be asked for."""

    def __init__(self, error: AditError) -> None:
        self.error = error

    @asynccontextmanager
    async def acquire(
        self,
        endpoint: Endpoint,
        capacity: int,
        holder: str,
        timeout: float = 0,  # noqa: ASYNC109 - of the protocol
    ) -> AsyncIterator[None]:
        del endpoint, capacity, holder, timeout
        raise self.error
        yield


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Forbidden("no"), "SlotForbidden"),
        (ClusterUnavailable("no"), "SlotUnknown"),
        (ObjectNotFound("no"), "SlotUnknown"),
    ],
)
async def test_who_may_not_reserve_an_association_opens_none(
    cluster: EmbeddedCluster, loopback_pacs: LoopbackPacs, error: AditError, code: str
) -> None:
    server = DicomServer.read(manifests.server("pacs", loopback_pacs))
    async with aclosing(examine_server(server, Visit(cluster, NoSlots(error), MANNER))) as reports:
        findings = [one async for one in reports if not isinstance(one, Doing)]
    assert codes(findings, "skipped") == [code]
    assert codes(findings) == ["HostFound", "PortOpen", code]
    async with aclosing(examine_server(server, Visit(cluster, None, MANNER))) as reports:
        assert "Echoed" in codes([one async for one in reports if not isinstance(one, Doing)])


async def test_what_the_operator_last_saw_is_compared(cluster: EmbeddedCluster, loopback_pacs: LoopbackPacs) -> None:
    manifest = await cluster.create(manifests.server("pacs", loopback_pacs))
    told = {
        "type": "Reachable",
        "status": "False",
        "reason": "PeerUnavailable",
        "message": "pacs is down",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    server = DicomServer.read({**manifest, "status": {"conditions": [told]}})
    visit = Visit(cluster, cluster.interactive_slots(), MANNER)
    async with aclosing(examine_server(server, visit)) as reports:
        findings = [one async for one in reports if not isinstance(one, Doing)]
    assert codes(findings, "warning") == ["OperatorSeesOtherwise"]


async def test_a_paused_server_and_one_without_a_way_to_fetch_are_noted(
    cluster: EmbeddedCluster, loopback_pacs: LoopbackPacs
) -> None:
    dimse = {"host": "127.0.0.1", "port": loopback_pacs.port}
    findings = await examined(
        cluster, manifests.server("pacs", loopback_pacs, paused=True, dimse=dimse, retrieveOrder=["Wado"])
    )
    assert codes(findings, "note", "warning") == ["ServerPaused", "RetrieveUnsupported"]


def test_a_person_waits_no_longer_than_a_step() -> None:
    server = DicomServer.read(manifests.server_at("pacs", 104))
    spec = hurried(server.spec, 3)
    assert spec.dimse is not None
    assert (spec.dimse.connect_timeout_seconds, spec.dimse.response_timeout_seconds) == (3, 3)


def test_a_server_that_this_program_cannot_read_is_a_problem_of_its_own() -> None:
    good, bad = manifests.server_at("good", 104), manifests.server_at("bad", 104, hue="blue")
    servers, complaints = chosen([good, bad], Wanted())
    assert [one.metadata.name for one in servers] == ["good"]
    (finding,) = complaints
    assert (finding.code, finding.about) == ("ServerUnreadable", "bad")
    assert "spec.hue" in finding.what


def test_a_server_is_named_with_its_namespace_or_without() -> None:
    both = [
        {**one, "metadata": {**one["metadata"], "namespace": space}}
        for space in ("a", "b")
        for one in [manifests.server_at("pacs", 104)]
    ]
    assert len(chosen(both, Wanted(("pacs",)))[0]) == 2
    assert [one.metadata.namespace for one in chosen(both, Wanted(("b/pacs",)))[0]] == ["b"]
    with pytest.raises(BadInput, match="c/pacs does not exist here"):
        chosen(both, Wanted(("c/pacs",)))


def test_a_server_outside_its_windows_is_noted_with_the_time_it_opens() -> None:
    window = {"start": "22:00", "end": "23:00", "timeZone": "UTC"}
    server = DicomServer.read(manifests.server_at("pacs", 104, windows=[window]))
    (finding,) = described(server, datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert finding.code == "WindowClosed"
    assert finding.what.endswith("until 2026-01-01 22:00 UTC")
    assert list(described(server, datetime(2026, 1, 1, 22, 30, tzinfo=UTC))) == []
