"""The child of a measurement: the operator as people run it, embedded or on Kubernetes, with its own times noted.

It is wired as `adit run` and `python -m adit_operator` wire it; the embedded node is simulated elsewhere.
At SIGTERM it ends, and writes what it noted as JSON to the file that its argument names.
"""

import asyncio
import contextlib
import cProfile
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adit.cluster.connect import connect
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.embedded.locks import try_operator_lock
from adit.log_output import log_to
from adit_cli.host import operator_settings
from adit_operator.clock import SystemClock
from adit_operator.kopf_shell import run_shell
from adit_operator.operator import Operator
from adit_operator.prober import ConnectorProber
from adit_operator.settings import OperatorSettings

if TYPE_CHECKING:
    from collections.abc import Coroutine

PROFILE_ENV = "ADIT_BENCH_PROFILE"
BEAT = 0.05


@dataclass
class Noted:
    """Reconciles as (monotonic seconds when it ended, its seconds), their results, and how late the loop came back."""

    reconciles: list[tuple[float, float]] = field(default_factory=list)
    results: dict[str, int] = field(default_factory=dict)
    turns: list[float] = field(default_factory=list)
    latest: float = 0.0

    def reconciled(self, result: str, seconds: float) -> None:
        self.reconciles.append((time.monotonic(), seconds))
        self.results[result] = self.results.get(result, 0) + 1

    def turned(self, _: object) -> None:
        self.turns.append(time.monotonic())

    async def watch_the_loop(self) -> None:
        """Note how long the loop was busy with something else, at most."""
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self.latest = max(self.latest, time.monotonic() - due)


async def serve(noted: Noted) -> None:
    """Run until SIGTERM."""
    cluster, lease = connect(os.environ)
    embedded = isinstance(cluster, EmbeddedCluster)
    settings = operator_settings(cluster.data) if isinstance(cluster, EmbeddedCluster) else OperatorSettings()
    prober = ConnectorProber(calling_ae_title=settings.calling_ae_title, mount_dir=settings.mount_dir)
    async with cluster:
        slots = (
            cluster.interactive_slots()
            if isinstance(cluster, EmbeddedCluster)
            else cluster.interactive_slots(settings.runner_namespace)
        )
        operator = Operator(
            cluster,
            lease,
            settings,
            prober,
            SystemClock(),
            slots=slots,
            follows=embedded,
            reconciled=noted.reconciled,
            turned=noted.turned,
        )
        work = asyncio.create_task(operator.run())
        parts: list[Coroutine[Any, Any, None]] = [noted.watch_the_loop()]
        if embedded:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        else:
            parts.append(run_shell(operator, settings, 0, ending=work.cancel))
        beside = [asyncio.create_task(part) for part in parts]
        await asyncio.wait({work, *beside}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, *beside):
            task.cancel()
        await asyncio.wait({work, *beside})
        for task in (work, *beside):
            if not task.cancelled():
                task.result()


def main() -> None:
    noted, out = Noted(), Path(sys.argv[1])
    profile = cProfile.Profile() if os.environ.get(PROFILE_ENV) else None
    log_to(sys.stderr)
    data = os.environ.get("ADIT_DATA")
    with try_operator_lock(Path(data)) if data else contextlib.nullcontext(enter_result=True) as held:
        if not held:
            sys.exit("another operator works this data folder")
        if profile is not None:
            profile.enable()
        asyncio.run(serve(noted))
    if profile is not None:
        profile.disable()
        profile.dump_stats(os.environ[PROFILE_ENV])
    out.write_text(json.dumps(asdict(noted)))


if __name__ == "__main__":
    main()
