"""One machine without a cluster, looked at in order: versions, data folder, servers."""

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from adit.api.resource import DicomServer
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.folder import DATABASE
from adit.cluster.kinds import DICOM_SERVER
from adit.diagnosis.data_folder import examine_folder
from adit.diagnosis.finding import Doing, Finding, Reports, note, warning
from adit.diagnosis.receiver import embedded_receiver
from adit.diagnosis.server import Manner, Visit, examine_server
from adit.diagnosis.wanted import Wanted, chosen, this_program
from adit.errors import BadInput

_AHEAD_SECONDS = 5.0


async def examine_embedded(data: Path, wanted: Wanted, manner: Manner, environ: Mapping[str, str]) -> Reports:
    """Everything about the data folder and its servers. Raises BadInput for a server that there is not."""
    yield this_program()
    yield Doing("looks at the data folder")
    unusable = False
    for finding in examine_folder(data):
        yield finding
        unusable = unusable or (finding.verdict == "problem" and finding.code != "FolderFull")
    if unusable:
        return
    if not (data / DATABASE).exists():
        if wanted.servers:
            raise BadInput(f"DicomServer/{wanted.servers[0]} does not exist: there is nothing in {data}")
        return
    async with EmbeddedCluster.open(data) as cluster:
        listing = await cluster.list(DICOM_SERVER.name, namespace=wanted.namespace)
        servers, complaints = chosen(listing.items, wanted)
        for finding in (*complaints, *_went_back(servers), *embedded_receiver(data, servers, environ)):
            yield finding
        if not servers and not complaints:
            yield note("NoServers", "servers", "there is no DicomServer yet", "adit run examples/local/servers.yaml")
        slots = cluster.interactive_slots() if wanted.take_slots else None
        for server in servers:
            async with aclosing(examine_server(server, Visit(cluster, slots, manner))) as reports:
                async for report in reports:
                    yield report


def _went_back(servers: list[DicomServer]) -> Iterator[Finding]:
    """Whether something here was made later than now."""
    times = [datetime.fromisoformat(one.metadata.creation_timestamp) for one in servers]
    ahead = max(((one - datetime.now(UTC)).total_seconds() for one in times), default=0.0)
    if ahead <= _AHEAD_SECONDS:
        return
    yield warning(
        "ClockWentBack",
        "this machine",
        f"an object of the data folder was made {ahead:.0f} s in the future",
        cause="the clock of this machine was set back, or was wrong when it was made",
        fix="let the machine follow a time server; `timedatectl` says whether it does",
    )
