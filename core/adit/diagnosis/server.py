"""One DicomServer from its description to its answers, each step on the ground of the one before."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adit.api.conditions import condition_of
from adit.api.dicom_server import DicomServerSpec, DicomWeb, Dimse
from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.cluster import Cluster, ClusterUnavailable, Forbidden
from adit.cluster.credential import authorization_of
from adit.cluster.slots import InteractiveSlots, SlotsTaken, interactive_capacity
from adit.connectors.operator import fetch_way, retrieve_unsupported
from adit.connectors.target import Target
from adit.diagnosis.finding import Doing, Finding, Reports, note, ok, problem, skipped, warning
from adit.diagnosis.limits import within
from adit.diagnosis.network import Door, connect, handshake, resolve
from adit.errors import AditError, BadInput, PeerUnavailable

LIMIT_SECONDS = 10.0


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


def named(server: DicomServer) -> str:
    """As findings call it: its name, after the namespace where that is not `default`."""
    metadata = server.metadata
    return metadata.name if metadata.namespace == "default" else f"{metadata.namespace}/{metadata.name}"


async def examine_server(server: DicomServer, visit: Visit) -> Reports:
    """Everything about one server. The associations count on its interactive slots."""
    about = named(server)
    for finding in described(server):
        yield finding
    ways: list[str] = []
    failed: list[Finding] = []
    for way, door in doors(server.spec, about, visit.manner.seconds):
        async with aclosing(_knock(way, door, failed)) as reports:
            async for report in reports:
                yield report
        if not failed:
            ways.append(way)
        failed.clear()
    reached = False
    if ways:
        async with aclosing(_ask(server, visit, ways)) as reports:
            async for report in reports:
                reached = reached or (isinstance(report, Finding) and report.code in {"Echoed", "WebAnswered"})
                yield report
    for finding in remembered(server, reached=reached):
        yield finding


def doors(spec: DicomServerSpec, about: str, seconds: float) -> Iterator[tuple[str, Door]]:
    """Where the server listens, as its description says."""
    if spec.dimse is not None:
        host, port = spec.dimse.host.strip("[]"), spec.dimse.port
        yield "dimse", Door(about, host, port, "spec.dimse.host and port", seconds)
    if spec.dicomweb is not None:
        url = urlsplit(spec.dicomweb.url)
        secured = url.scheme.lower() == "https"
        port = url.port or (443 if secured else 80)
        yield "https" if secured else "http", Door(about, url.hostname or "", port, "spec.dicomweb.url", seconds)


async def _knock(way: str, door: Door, failed: list[Finding]) -> Reports:
    steps: tuple[tuple[str, Callable[[Door], Finding]], ...] = (
        (f"looks up {door.host}", resolve),
        (f"connects to {door.address}", connect),
        *(((f"checks the certificate of {door.address}", handshake),) if way == "https" else ()),
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


async def _ask(server: DicomServer, visit: Visit, ways: list[str]) -> Reports:
    """Speak DICOM on an interactive slot."""
    about = named(server)
    yield Doing(f"waits for an interactive slot of {about}")
    try:
        async with _slot(server, visit), aclosing(_speak(server, visit, ways)) as reports:
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
    except ClusterUnavailable as error:
        yield skipped("SlotUnknown", about, f"was not asked: no interactive slot could be taken ({error.message})")


def _slot(server: DicomServer, visit: Visit) -> AbstractAsyncContextManager[Any]:
    if visit.slots is None:
        return nullcontext()
    capacity = interactive_capacity(server)
    return visit.slots.acquire(
        endpoint_of(server.spec), capacity, visit.manner.holder, timeout=visit.manner.slot_seconds
    )


async def _speak(server: DicomServer, visit: Visit, ways: list[str]) -> Reports:
    about, spec = named(server), hurried(server.spec, visit.manner.seconds)
    target = Target(about, spec, visit.manner.calling_ae_title, Path())
    if "dimse" in ways:
        # pynetdicom and httpx cost 20 MB and a quarter of a second each
        from adit.diagnosis.dimse import examine_dimse  # noqa: PLC0415 - as said above

        async with aclosing(examine_dimse(about, target, visit.manner.seconds)) as reports:
            async for report in reports:
                yield report
    if {"http", "https"} & set(ways):
        from adit.diagnosis.web import examine_web  # noqa: PLC0415 - as above

        authorization, finding = await _credential(server, visit.cluster)
        if finding is not None:
            yield finding
            if finding.verdict != "ok":
                return
        async with aclosing(
            examine_web(about, replace(target, authorization=authorization), visit.manner.seconds)
        ) as reports:
            async for report in reports:
                yield report


async def _credential(server: DicomServer, cluster: Cluster) -> tuple[str | None, Finding | None]:
    """The Authorization header, and what is to be said of its Secret."""
    about = named(server)
    try:
        authorization = await authorization_of(cluster, server)
    except BadInput as error:
        return None, problem(
            error.reason,
            about,
            error.message,
            cause="spec.dicomweb.authorization names a Secret that cannot be used",
            fix="apply a Secret of that name and key beside the DicomServer, labelled adit.dev/purpose: credential",
        )
    except Forbidden:
        return None, skipped(
            "SecretUnreadable",
            about,
            "was not asked over HTTP: your account may not read the Secret of its credential",
            fix="run it in the operator's pod, whose account may",
        )
    except AditError as error:
        return None, skipped("SecretUnreadable", about, f"was not asked over HTTP: {error.message}")
    if authorization is None:
        return None, None
    return authorization, ok("SecretFound", about, "the Secret of its credential is there and labelled")


def hurried(spec: DicomServerSpec, seconds: float) -> DicomServerSpec:
    """The description with time-outs of at most so many seconds: a person waits."""
    most = max(1, int(seconds))

    def shorter(way: Dimse | DicomWeb) -> dict[str, int]:
        return {
            "connect_timeout_seconds": min(way.connect_timeout_seconds, most),
            "response_timeout_seconds": min(way.response_timeout_seconds, most),
        }

    dimse = spec.dimse.model_copy(update=shorter(spec.dimse)) if spec.dimse is not None else None
    web = spec.dicomweb.model_copy(update=shorter(spec.dicomweb)) if spec.dicomweb is not None else None
    return spec.model_copy(update={"dimse": dimse, "dicomweb": web})


def described(server: DicomServer) -> Iterator[Finding]:
    """What can be said of the description alone. Pure."""
    about, spec = named(server), server.spec
    if spec.paused:
        yield note("ServerPaused", about, "is paused: no transfer starts with it", "set spec.paused to false")
    wants_to_be_a_source = (spec.dimse is not None and (spec.dimse.get or spec.dimse.move)) or (
        spec.dicomweb is not None and spec.dicomweb.wado
    )
    if wants_to_be_a_source and fetch_way(spec) is None:
        why = retrieve_unsupported(Target(about, spec, "", Path()))
        yield warning(
            "RetrieveUnsupported",
            about,
            why.partition(";")[0],
            cause="none of spec.retrieveOrder is both switched on and possible here",
            fix="switch on spec.dimse.get or spec.dicomweb.wado where the server has them; else it is a destination "
            "only",
        )


def remembered(server: DicomServer, *, reached: bool) -> Iterator[Finding]:
    """What the operator saw, where it differs from what we saw. Pure."""
    condition = condition_of(server.status.conditions, "Reachable")
    if condition is not None and condition.status == "False" and reached:
        yield warning(
            "OperatorSeesOtherwise",
            named(server),
            f"answers us, and the operator last said: {condition.message}",
            cause="the operator asks from another machine, under another AE title, or has not asked again yet (15 s)",
            fix="wait half a minute and say it again; if it stays, look at the way from the operator's node to it",
        )
