"""The receiver from start to end: spool read, then runners may listen, then PACS may send; housekeeping beside."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import structlog

from adit.dimse.server import Server
from adit.dimse.timeouts import Timeouts
from adit.metrics_port import serving
from adit.transmit.server import TransmitServer
from adit_receiver.adoption import Leases, alone, remove_adopted
from adit_receiver.layout import Folder
from adit_receiver.metrics import ReceiverMetrics
from adit_receiver.service import Receiving
from adit_receiver.settings import ReceiverSettings
from adit_receiver.spool import Spool
from adit_receiver.takeover import adopt

GRACE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.2

log = structlog.get_logger("adit.receiver")


class Receiver:
    """One replica; `stop` ends it from any thread."""

    def __init__(self, settings: ReceiverSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self._folder = Folder(settings.spool / settings.replica)
        self.spool = Spool(self._folder, settings.limits, fsync=settings.fsync)
        self._leases = Leases(settings.spool, self._folder, monotonic, settings.lease_seconds)
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._server: Server | None = None
        self.metrics = ReceiverMetrics(self.spool, lambda: self._server.associations if self._server else 0)

    def stop(self) -> None:
        """Take no more associations; those that are open may go on for the grace."""
        self._stopping.set()

    def fail(self, error: BaseException) -> None:
        """End everything: a receiver of which a part is dead would lose what it takes in."""
        self._failure = self._failure or error
        self._stopping.set()

    def run(self, ready: Callable[[int, int], None] = lambda _dicom, _transmit: None) -> None:
        """Until stopped; `ready` is told the ports. Raises what ended it; OSError for a port or disk."""
        settings = self.settings
        key = settings.key()
        with ExitStack() as stack:
            stack.enter_context(alone(settings.spool, settings.replica, shared=settings.shared))
            self._folder.make()
            self._leases.renew()  # before what may take long: it stood still while we were away
            self.spool.open()
            self._try(lambda: self._adopt(at_once=not settings.shared))
            stack.enter_context(serving(self.metrics.registry, settings.metrics_port))
            transmit = stack.enter_context(
                TransmitServer((settings.transmit_host, settings.transmit_port), self.spool, key)
            )
            receiving = Receiving(self.spool, settings.allowed, self.metrics)
            server = Server(
                (settings.host, settings.port),
                receiving,
                max_associations=settings.max_associations,
                admits=receiving.admits,
                timeouts=Timeouts(),
            )
            self._server = stack.enter_context(server)
            if not settings.fsync:
                log.warning("instances are not made durable: ADIT_RECEIVER_FSYNC is off")
            log.info("receiving", port=server.port, transmitPort=transmit.port, aeTitle=settings.ae_title)
            ready(server.port, transmit.port)
            self._keep_house()
            self._drain(server)
        self._leases.give_up()
        if self._failure is not None:
            raise self._failure

    def _keep_house(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due = time.monotonic() + self._leases.renew_seconds
            self._leases.renew()
            if self.settings.shared:
                self._try(lambda: self._adopt(at_once=False))
            for step in (self._withdraw_forgotten, self.spool.notice_purged, self._expire):
                self._try(step)

    def _try(self, step: Callable[[], object]) -> None:
        """A disk that fails here may be full: what empties it goes on, and the step has its next time."""
        try:
            step()
        except OSError as error:
            self.metrics.failed.inc()
            log.error("housekeeping failed", error=error.strerror)  # noqa: TRY400 - the rest is paths

    def _withdraw_forgotten(self) -> None:
        if forgotten := self.spool.withdraw_forgotten():
            self.metrics.forgotten.inc(forgotten)
            log.warning("withdrew announcements that nobody listens for", count=forgotten)

    def _expire(self) -> None:
        if expired := self.spool.expire():
            self.metrics.expired.inc(expired)
            log.warning("removed what was too old for the quarantine", count=expired)

    def _adopt(self, *, at_once: bool) -> None:
        taken = [self._leases.take(path) for path in self._leases.dead(at_once=at_once)]
        for folder in dict.fromkeys((*self._leases.unfinished(), *(one for one in taken if one is not None))):
            count = adopt(self.spool, folder, self._leases.renew_where_due)
            if not remove_adopted(folder):
                log.warning("a folder that was taken over is not empty: it is looked at again")
            self.metrics.adopted.inc(count)
            log.warning("took a replica's folder over", instances=count)

    def _drain(self, server: Server) -> None:
        """Let what is arriving arrive."""
        server.stop_accepting()
        deadline = time.monotonic() + GRACE_SECONDS
        while server.associations and time.monotonic() < deadline and self._failure is None:
            self._leases.renew_where_due()
            time.sleep(_LOOK_SECONDS)
