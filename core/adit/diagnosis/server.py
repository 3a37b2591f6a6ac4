"""One DicomServer from its description to its answers, each step on the ground of the one before."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adit.api.dicom_server import DicomServerSpec
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, ClusterUnavailable, Forbidden, ObjectNotFound
from adit.cluster.credential import credential_files
from adit.cluster.kinds import Ref
from adit.cluster.slots import InteractiveSlots, SlotsTaken, interactive_slot
from adit.connectors.credentials import header, laid_out
from adit.connectors.target import Target, TlsFiles
from adit.contract import AUTHORIZATION_FILE
from adit.credentials import TLS_FILES
from adit.diagnosis.description import described, doors, hurried, named, remembered
from adit.diagnosis.finding import Doing, Finding, Reports, ok, problem, skipped, warning
from adit.diagnosis.limits import within
from adit.diagnosis.network import Door, connect, handshake, resolve
from adit.dimse.tls import requestor_context
from adit.errors import AditError, BadInput, PeerUnavailable

LIMIT_SECONDS = 10.0
Step = Callable[[Door], Finding]


@dataclass(frozen=True, slots=True)
class Manner:
    """In whose name servers are asked, and how long: `seconds` per step, `slot_seconds` for an interactive slot."""

    calling_ae_title: str
    holder: str
    slot_seconds: float
    seconds: float = LIMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Visit:
    """Where servers and their credentials are known, and their slots; without `slots` none is taken."""

    cluster: Cluster
    slots: InteractiveSlots | None
    manner: Manner


async def examine_server(server: DicomServer, visit: Visit) -> Reports:
    """Everything about one server. The associations count on its interactive slots."""
    for finding in described(server, datetime.now(UTC)):
        yield finding
    files, said = await _credential(server, visit.cluster, TLS_FILES)
    if said is not None:
        yield said
    with laid_out(files or {}) as given:
        async with aclosing(_examine(server, visit, given.tls if files is not None else None)) as reports:
            async for report in reports:
                yield report


async def _examine(server: DicomServer, visit: Visit, tls: TlsFiles | None) -> Reports:
    """Knock at its doors, then speak; without `tls` its certificates could not be had."""
    ways: list[str] = []
    failed: list[Finding] = []
    for way, door in doors(server.spec, named(server), visit.manner.seconds):
        if way == "dimse-tls" and tls is None:
            continue
        async with aclosing(_knock(door, _handshake(way, server.spec, tls), failed)) as reports:
            async for report in reports:
                yield report
        if not failed:
            ways.append(way)
        failed.clear()
    reached = False
    if ways:
        async with aclosing(_ask(server, visit, ways, tls or TlsFiles())) as reports:
            async for report in reports:
                reached = reached or (isinstance(report, Finding) and report.code in {"Echoed", "WebAnswered"})
                yield report
    for finding in remembered(server, reached=reached):
        yield finding


def _handshake(way: str, spec: DicomServerSpec, files: TlsFiles | None) -> Step | None:
    """How the certificate behind this door is proved; None where no TLS is spoken."""
    if way == "https":
        return handshake
    tls = spec.dimse.tls if spec.dimse is not None else None
    if way != "dimse-tls" or tls is None or files is None:
        return None

    def prove(door: Door) -> Finding:
        try:
            context = requestor_context(tls.profile, files.authorities, files.certificate, files.key)
        except (OSError, ValueError):  # an SSLError is the former
            return problem(
                "CertificatesUnusable",
                door.server,
                "the certificates that it is to be reached with cannot be read",
                cause="the Secrets of spec.dimse.tls hold no PEM, or a key that does not belong to the certificate",
                fix="make them anew: kubectl create secret tls … and … generic … --from-file=ca.crt",
            )
        return handshake(door, context)

    return prove


async def _knock(door: Door, prove: Step | None, failed: list[Finding]) -> Reports:
    steps: tuple[tuple[str, Step], ...] = (
        (f"looks up {door.host}", resolve),
        (f"connects to {door.address}", connect),
        *(((f"checks the certificate of {door.address}", prove),) if prove is not None else ()),
    )
    for doing, step in steps:
        yield Doing(doing)
        try:
            finding = await within(3 * door.seconds, lambda step=step: step(door))  # type: ignore[misc]  # bound now
        except PeerUnavailable:
            finding = problem(
                "NameServerSilent" if step is resolve else "PortSilent",
                door.server,
                f"{door.address}: no answer within {3 * door.seconds:g} s",
                cause="the name server or the network does not answer",
                fix=f"look at the network of this machine, and at {door.field}",
            )
        yield finding
        if finding.verdict == "problem":
            failed.append(finding)
            return


async def _ask(server: DicomServer, visit: Visit, ways: list[str], tls: TlsFiles) -> Reports:
    """Speak DICOM on an interactive slot."""
    about = named(server)
    yield Doing(f"waits for an interactive slot of {about}")
    try:
        async with _slot(server, visit), aclosing(_speak(server, visit, ways, tls)) as reports:
            async for report in reports:
                yield report
    except SlotsTaken as error:
        yield warning(
            "SlotsTaken",
            about,
            error.message,
            cause="others ask this server now, and its description allows no more associations at once",
            fix="wait and say it again, or ask whoever is named",
        )
    except Forbidden:
        yield skipped(
            "SlotForbidden",
            about,
            "was not asked: your account may not hold one of its interactive slots (Leases in ADIT's namespace)",
            fix="run it in the operator's pod, whose account may; or say --without-slot, which may open one "
            "association more than spec.limits allows",
        )
    except (ClusterUnavailable, ObjectNotFound) as error:  # the latter: no such namespace
        yield skipped("SlotUnknown", about, f"was not asked: no interactive slot could be taken ({error.message})")


def _slot(server: DicomServer, visit: Visit) -> AbstractAsyncContextManager[Any]:
    if visit.slots is None:
        return nullcontext()
    ref = Ref(server.kind, server.metadata.namespace, server.metadata.name)

    async def again() -> DicomServer:
        return DicomServer.read(await visit.cluster.get(ref))

    return interactive_slot(visit.slots, server, visit.manner.holder, again=again, timeout=visit.manner.slot_seconds)


async def _speak(server: DicomServer, visit: Visit, ways: list[str], tls: TlsFiles) -> Reports:
    about, spec = named(server), hurried(server.spec, visit.manner.seconds)
    target = Target(about, spec, visit.manner.calling_ae_title, Path(), tls=tls)
    if {"dimse", "dimse-tls"} & set(ways):
        # pynetdicom and httpx cost 20 MB and a quarter of a second each
        from adit.diagnosis.dimse import examine_dimse  # noqa: PLC0415 - as said above

        async with aclosing(examine_dimse(about, target, visit.manner.seconds)) as reports:
            async for report in reports:
                yield report
    if {"http", "https"} & set(ways):
        from adit.diagnosis.web import examine_web  # noqa: PLC0415 - as above

        files, finding = await _credential(server, visit.cluster, frozenset({AUTHORIZATION_FILE}))
        if finding is not None:
            yield finding
        if files is None:
            return
        signed = replace(target, authorization=header(files.get(AUTHORIZATION_FILE)))
        async with aclosing(examine_web(about, signed, visit.manner.seconds)) as reports:
            async for report in reports:
                yield report


async def _credential(
    server: DicomServer, cluster: Cluster, wanted: frozenset[str]
) -> tuple[Mapping[str, bytes] | None, Finding | None]:
    """The contents of these files, None where one cannot be had; and what is to be said of their Secrets."""
    about = named(server)
    field, over = (
        ("spec.dimse.tls", "with TLS") if wanted == TLS_FILES else ("spec.dicomweb.authorization", "over HTTP")
    )
    try:
        files = await credential_files(cluster, server, wanted)
    except BadInput as error:
        return None, problem(
            error.reason,
            about,
            error.message,
            cause=f"{field} names a Secret that cannot be used",
            fix="make a Secret with that key beside the DicomServer, labelled adit.dev/purpose: credential, and name "
            "it there; never change the purpose of a Secret that has another one",
        )
    except Forbidden:
        return None, skipped(
            "SecretUnreadable",
            about,
            f"was not asked {over}: your account may not read the Secret of its credential",
            fix="run it in the operator's pod, whose account may",
        )
    except AditError as error:
        return None, skipped("SecretUnreadable", about, f"was not asked {over}: {error.message}")
    if not files:
        return files, None
    return files, ok("SecretFound", about, "the Secret of its credential is there and labelled")
