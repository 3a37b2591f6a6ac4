"""Opens the two peers of a TaskSet from its rendered config, and closes them when the work is over."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adit.api.dicom_server import DicomServerSpec, Verification
from adit.connectors.connector import Connector
from adit.connectors.credentials import Credentials
from adit.connectors.pace import AT_WILL, Pace
from adit.connectors.target import Target
from adit.contract import RenderedFolder, RenderedServer
from adit.transmit.access import ReceiverAccess
from adit_jobrunner.config import Config
from adit_jobrunner.control import Control

Opener = Callable[[Target], Connector]


@dataclass(frozen=True, slots=True)
class Peers:
    """Source and destination, opened, and how what is stored is proved."""

    source: Connector
    destination: Connector
    verification: Verification


@contextmanager
def opened(config: Config, opener: Opener, control: Control) -> Iterator[Peers]:
    """Both peers while the context is open; their associations are reused from task to task. Raises BadInput."""
    source = target_of(config.source, config, config.source_credentials, control, config.receiver)
    destination = target_of(config.destination, config, config.destination_credentials, control)
    with opener(source) as from_here, opener(destination) as to_there:
        spec = config.destination.spec
        verification = spec.verification if isinstance(spec, DicomServerSpec) else Verification(settle_seconds=0)
        yield Peers(from_here, to_there, verification)


def target_of(
    peer: RenderedServer | RenderedFolder,
    config: Config,
    credentials: Credentials,
    control: Control,
    receiver: ReceiverAccess | None = None,
) -> Target:
    """What a connector needs of a rendered peer; a server may want to be called by another name of ours.

    Its pace is this runner's share; a stop ends the waiting for a turn. `receiver` takes in what a source is asked for.
    """
    calling, pace = config.settings.calling_ae_title, AT_WILL
    if isinstance(peer, RenderedServer):
        pace = Pace(peer.requests_per_minute, sleep=control.sleep, stopped=control.stop_now)
    if isinstance(peer, RenderedServer) and peer.spec.dimse is not None:
        calling = peer.spec.dimse.calling_ae_title or calling
    return Target(
        name=peer.name,
        spec=peer.spec,
        calling_ae_title=calling,
        mount_dir=Path(config.settings.mount_dir),
        authorization=credentials.authorization,
        tls=credentials.tls,
        receiver=receiver,
        pace=pace,
    )
