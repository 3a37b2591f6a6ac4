"""The receiver, where there is one: whether sources need it, whether its port can be had, whether its pod is there."""

import errno
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adit.api.dicom_server import DicomServerSpec
from adit.api.resource import DicomServer
from adit.cluster.cluster import Manifest
from adit.cluster.embedded.folder import OPERATOR_LOCK
from adit.cluster.embedded.locks import is_locked
from adit.diagnosis.finding import Finding, note, ok, problem, warning

if TYPE_CHECKING:  # embedded there is no API server, and no library that speaks to one
    from adit.diagnosis.api_server import ApiServer

RECEIVER = {"labelSelector": "app.kubernetes.io/part-of=adit,app.kubernetes.io/component=receiver"}

ABOUT = "receiver"
PORT_ENV, HOST_ENV, TITLE_ENV, CALLING_ENV = (
    "ADIT_RECEIVER_PORT",
    "ADIT_RECEIVER_HOST",
    "RECEIVER_AE_TITLE",
    "CALLING_AE_TITLE",
)
MAX_NAMED = 5


def only_moves(spec: DicomServerSpec) -> bool:
    """Whether C-MOVE is the one way in which it gives images away. Pure."""
    dimse, web = spec.dimse, spec.dicomweb
    ways = {
        "CGet": dimse is not None and dimse.get,
        "Wado": web is not None and web.wado,
        "CMove": dimse is not None and dimse.move,
    }
    return [method for method in spec.retrieve_order if ways[method]] == ["CMove"]


def judge_need(servers: Iterable[DicomServer], *, there: bool) -> list[Finding]:
    """Whether something can only be had with a receiver that is not there. Pure."""
    needing = sorted(one.metadata.name for one in servers if only_moves(one.spec))
    if there or not needing:
        return []
    more = ", …" if len(needing) > MAX_NAMED else ""
    return [
        warning(
            "ReceiverMissing",
            ABOUT,
            f"there is none, and by C-MOVE only images are had from {', '.join(needing[:MAX_NAMED])}{more}",
            cause="what a C-MOVE brings must be sent to somebody; jobs with these sources stall",
            fix="switch on receiver.enabled of the chart (adit run: set ADIT_RECEIVER_PORT); docs/receiver.md says how "
            "a PACS is told; or switch on dimse.get where the PACS has it",
        )
    ]


def embedded_receiver(data: Path, servers: Iterable[DicomServer], environ: Mapping[str, str]) -> list[Finding]:
    """The receiver that `adit run` would start here."""
    port = environ.get(PORT_ENV, "")
    if not port:
        return judge_need(servers, there=False)
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:  # noqa: PLR2004 - the last port
        wrong = f"{PORT_ENV} is no port"
        return [problem("PortTaken", ABOUT, wrong, cause="it is no number from 1 to 65535", fix="set it to a port")]
    return [judge_port(int(port), _listening(int(port)), hosted=is_locked(data / OPERATOR_LOCK))]


def _listening(port: int) -> bool:
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("", port))
            door.listen(1)
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def judge_port(port: int, listening: bool, *, hosted: bool) -> Finding:  # noqa: FBT001 - what was seen
    """Whether the receiver has its port, or could have it; `hosted`: an `adit run` works the folder now. Pure."""
    if listening and not hosted:
        return problem(
            "PortTaken",
            ABOUT,
            f"another program listens on port {port} ({PORT_ENV})",
            cause="adit run would start the receiver there, and cannot",
            fix="end that program, or choose another port and tell the PACS",
        )
    if listening:
        return ok("ReceiverListens", ABOUT, f"somebody listens on port {port}, while adit run works this folder")
    if hosted:
        return warning(
            "ReceiverNotListening",
            ABOUT,
            f"nobody listens on port {port}, though adit run works this folder",
            cause="it was started without ADIT_RECEIVER_PORT, or the receiver is being started again",
            fix="look into logs/receiver.log of the data folder; start adit run anew with ADIT_RECEIVER_PORT",
        )
    return ok("ReceiverPortFree", ABOUT, f"port {port} is free; adit run starts the receiver there")


async def look_at_receiver(
    server: "ApiServer", settings: Mapping[str, str], namespace: str, servers: Sequence[DicomServer]
) -> list[Finding]:
    """The receiver of a cluster, by the operator's settings, and by its Deployment where this account may see it."""
    if not settings:
        return []
    if not settings.get(HOST_ENV):
        return judge_need(servers, there=False)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    title = settings.get(TITLE_ENV) or settings.get(CALLING_ENV) or "ADIT"
    return [judge_deployment(await server.items(path, RECEIVER), namespace, title)]


def judge_deployment(deployments: Sequence[Manifest] | None, namespace: str, title: str) -> Finding:
    """Whether a receiver runs that the operator counts on; None where they may not be seen. Pure."""
    if deployments is None:
        return note("ReceiverUnseen", ABOUT, f"there is one, of AE title {title}; its pods your account may not see")
    ready = sum((one.get("status") or {}).get("availableReplicas", 0) for one in deployments)
    if ready:
        pods = "1 pod" if ready == 1 else f"{ready} pods"
        return ok("ReceiverReady", ABOUT, f"{pods} ready; PACS send to AE title {title}")
    return problem(
        "ReceiverDown",
        ABOUT,
        "no pod of it is ready",
        cause="its claim is not bound, the Secret of its key is not there, or it ends",
        fix=f"kubectl describe pods -n {namespace} -l app.kubernetes.io/component=receiver, and their logs",
    )
