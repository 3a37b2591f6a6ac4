"""What a DicomServer says of itself: where it listens, what stands against using it, what the operator saw. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from adit.api.conditions import condition_of
from adit.api.dicom_server import DicomServerSpec, DicomWeb, Dimse, Tls
from adit.api.resource import DicomServer
from adit.connectors.operator import fetch_way, retrieve_unsupported
from adit.connectors.target import Target
from adit.diagnosis.finding import Finding, note, warning
from adit.diagnosis.network import Door
from adit.windows import opening


def named(server: DicomServer) -> str:
    """As findings call it: its name, after the namespace where that is not `default`."""
    metadata = server.metadata
    return metadata.name if metadata.namespace == "default" else f"{metadata.namespace}/{metadata.name}"


def doors(spec: DicomServerSpec, about: str, seconds: float) -> Iterator[tuple[str, Door]]:
    """Where the server listens, as its description says."""
    if spec.dimse is not None:
        host, port = spec.dimse.host.strip("[]"), spec.dimse.port
        door = Door(about, host, port, "spec.dimse.host and port", seconds)
        tls = spec.dimse.tls
        yield ("dimse", door) if tls is None else ("dimse-tls", _secured(door, tls))
    if spec.dicomweb is not None:
        url = urlsplit(spec.dicomweb.url)
        secured = url.scheme.lower() == "https"
        port = url.port or (443 if secured else 80)
        yield "https" if secured else "http", Door(about, url.hostname or "", port, "spec.dicomweb.url", seconds)


def _secured(door: Door, tls: Tls) -> Door:
    trusted_by = "the Secret of spec.dimse.tls.certificateAuthority holds them"
    field = "spec.dimse.port or tls.serverName"
    return replace(door, field=field, certified=tls.server_name or "", trusted_by=trusted_by)


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


def described(server: DicomServer, now: datetime) -> Iterator[Finding]:
    """What can be said of the description alone. Pure."""
    about, spec = named(server), server.spec
    stands = opening(spec.windows, now)
    if not stands.open:
        until = f" until {stands.changes_at:%Y-%m-%d %H:%M} UTC" if stands.changes_at else ""
        yield note("WindowClosed", about, f"is outside its windows: no transfer starts with it{until}")
    if spec.paused:
        yield note("ServerPaused", about, "is paused: no transfer starts with it", "set spec.paused to false")
    wants_to_be_a_source = (spec.dimse is not None and (spec.dimse.get or spec.dimse.move)) or (
        spec.dicomweb is not None and spec.dicomweb.wado
    )
    if wants_to_be_a_source and fetch_way(spec, receiver=True) is None:
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
