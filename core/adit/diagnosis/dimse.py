"""What a DICOM peer answers, step by step: association, contexts, C-ECHO, C-FIND; and what each refusal means."""

import time
from collections.abc import Iterator

from adit.api.dicom_server import Dimse
from adit.connectors.dimse.association import NoContextAccepted
from adit.connectors.dimse.peer import Peer, dimse_of
from adit.connectors.dimse.status import CalledTitleUnknown, CallingTitleUnknown, RejectedForNow
from adit.connectors.dimse.survey import Accepted, Survey
from adit.connectors.target import Target
from adit.diagnosis.finding import Doing, Finding, Reports, ok, problem, warning
from adit.diagnosis.limits import within
from adit.errors import AccessDenied, AditError, PeerUnavailable

_ITS_LOG = "its own log says why"
# Opening an association is tried twice, and may wait for connection and answer each time.
_STEPS_OF_OPENING = 5


async def examine_dimse(about: str, target: Target, seconds: float) -> Reports:
    """Associate as jobs do, then echo and search, on one association."""
    peer, claimed = Peer.of(target), dimse_of(target)
    with Survey(target) as survey:
        yield Doing(f"asks {about} for an association as {peer.calling_ae_title}")
        started = time.monotonic()
        try:
            accepted = await within(_STEPS_OF_OPENING * seconds, survey.associate, survey.abort)
        except AditError as error:
            yield refused(about, peer, error)
            return
        titles = f"{peer.calling_ae_title} → {peer.called_ae_title}"
        yield ok("Associated", about, f"takes our association ({titles})", seconds=time.monotonic() - started)
        for finding in contradictions(about, peer, claimed, accepted):
            yield finding
        if accepted.echo:
            yield Doing(f"sends a C-ECHO to {about}")
            echoed = await _echo(about, survey, seconds)
            yield echoed
            if echoed.verdict != "ok":
                return  # the association is gone, and another would meet the same
        if survey.model in accepted.find:
            yield Doing(f"searches {about} for a study that cannot exist")
            yield await _find(about, survey, claimed, seconds)


async def _echo(about: str, survey: Survey, seconds: float) -> Finding:
    started = time.monotonic()
    try:
        await within(2 * seconds, survey.echo, survey.abort)
    except AditError as error:
        return unanswered(about, "C-ECHO", error)
    return ok("Echoed", about, "answers C-ECHO", seconds=time.monotonic() - started)


async def _find(about: str, survey: Survey, claimed: Dimse, seconds: float) -> Finding:
    started = time.monotonic()
    try:
        answered = await within(2 * seconds, survey.find, survey.abort)
    except AditError as error:
        return unanswered(about, "C-FIND", error)
    if answered:
        return warning(
            "SearchIgnoresKeys",
            about,
            "answers a search for a study that cannot exist with studies",
            cause="it ignores the Study Instance UID of a query, so every search brings all it has; ADIT compares "
            "again itself, but it takes long",
            fix="ask its vendor for a C-FIND that matches StudyInstanceUID, a unique key (PS3.4 C.6)",
        )
    what = f"answers C-FIND, asked in {claimed.specific_character_set}"
    return ok("Searched", about, what, seconds=time.monotonic() - started)


def contradictions(about: str, peer: Peer, claimed: Dimse, accepted: Accepted) -> Iterator[Finding]:
    """Where the description claims a service whose presentation contexts the peer refuses."""
    missing = [f"{model} C-FIND (spec.dimse.find)" for model in claimed.find if model not in accepted.find]
    if claimed.get and not accepted.get:
        missing.append("C-GET (spec.dimse.get)")
    if claimed.move and not accepted.move:
        missing.append("C-MOVE (spec.dimse.move)")
    if claimed.store and not accepted.store:
        missing.append("C-STORE of common images (spec.dimse.store)")
    if not accepted.echo:
        missing.append("C-ECHO, which every peer must take")
    if missing:
        yield warning(
            "ServiceNotAccepted",
            about,
            f"does not accept {'; '.join(missing)}",
            cause=f"the description claims what the peer does not offer, or does not offer to {peer.calling_ae_title}",
            fix=f"allow it there for AE title {peer.calling_ae_title}, or switch the named fields off",
        )
        return
    services = [
        *(["find"] if accepted.find else []),
        *(["get"] if accepted.get else []),
        *(["move"] if accepted.move else []),
        *(["store"] if accepted.store else []),
    ]
    yield ok("ServicesAccepted", about, f"accepts {', '.join(services) or 'nothing but C-ECHO'}, as it is described")


def refused(about: str, peer: Peer, error: AditError) -> Finding:
    """Why there is no association, though the port is open."""
    calling, called = peer.calling_ae_title, peer.called_ae_title
    match error:
        case CallingTitleUnknown():
            return problem(
                "CallingTitleRefused",
                about,
                f"does not recognise our AE title {calling} (calling AE title not recognised)",
                cause="the PACS takes associations from registered peers only, and this title, or this title from "
                "this machine's address, is not among them",
                fix=f"register AE title {calling} with the PACS (its administrator does this), or set "
                "spec.dimse.callingAeTitle to a title that it knows; capitals count",
            )
        case CalledTitleUnknown():
            return problem(
                "CalledTitleRefused",
                about,
                f"does not go by the AE title {called} (called AE title not recognised)",
                cause="the PACS has another AE title, or this port belongs to another of its services",
                fix="set spec.aeTitle to its own title, as its administrator tells it; capitals count",
            )
        case NoContextAccepted():
            return problem(
                "NoServiceAccepted",
                about,
                "takes the association and none of the services proposed on it",
                cause=f"it is no archive, or allows {calling} nothing",
                fix=f"allow AE title {calling} echo, find, get and store there",
            )
    return _for_now(about, peer, error) if isinstance(error, PeerUnavailable) else _for_good(about, peer, error)


def _for_good(about: str, peer: Peer, error: AditError) -> Finding:
    return problem(
        "AssociationRejected",
        about,
        _about_it(error, peer),
        cause="the peer says that this is for good, with no more precise reason than that",
        fix=f"look for {peer.calling_ae_title} in its log and its list of known peers",
    )


def _for_now(about: str, peer: Peer, error: AditError) -> Finding:
    if isinstance(error, RejectedForNow):
        return problem(
            "PeerBusy",
            about,
            _about_it(error, peer),
            cause="it has reached a limit of its own, or is starting; jobs wait and go on by themselves",
            fix="lower spec.limits.maxAssociations below its limit, have the limit raised, or wait",
        )
    return problem(
        "NoAssociation",
        about,
        f"opens {peer.address} and does not answer our association request",
        cause="another service than DICOM listens on this port (or DICOM over TLS, and spec.dimse.tls is not given), "
        "or the PACS hangs, or hangs up on machines that it does not know",
        fix="correct spec.dimse.port, or add spec.dimse.tls; else look into the log of the PACS, then ask its "
        "administrator",
    )


def unanswered(about: str, service: str, error: AditError) -> Finding:
    """Why a service that was agreed upon does not work."""
    if isinstance(error, AccessDenied):
        return problem(
            "ServiceDenied",
            about,
            f"does not authorize {service} for our AE title",
            cause="the association is allowed, and this service is not",
            fix=f"allow {service} for it there",
        )
    silent = isinstance(error, PeerUnavailable) or error.reason in {"PeerSilent", "PeerTimeout", "ConnectionLost"}
    if silent:
        return problem(
            "ServiceSilent",
            about,
            f"does not answer {service} ({error.reason})",
            cause="the PACS hangs or is overloaded, or something on the way cuts the connection",
            fix="look into its log, then ask its administrator; try again when it has less to do",
        )
    said = error.message.removeprefix(f"{about} ").replace(f"; {_ITS_LOG}", "")
    return problem(
        "ServiceFails",
        about,
        f"answers {service} with an error: {said}",
        cause=f"{error.reason}: the PACS itself says so; {_ITS_LOG}",
        fix="mend it there; a character set that it does not know is changed by spec.dimse.specificCharacterSet",
    )


def _about_it(error: AditError, peer: Peer) -> str:
    """Its sentence without the name before it and the advice after it, which have places of their own."""
    return error.message.removeprefix(peer.name).removeprefix(f" at {peer.address}").partition(";")[0].strip()
