"""python -m adit_jobrunner: works the one TaskSet that the environment names, and leaves with an exit code."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog
from pydantic import ValidationError

from adit.cluster.connect import connected
from adit.connectors import open_connector
from adit.errors import AditError, BadInput, RetryableError
from adit.log_output import log_to
from adit_jobrunner.control import Control
from adit_jobrunner.exit_codes import ExitCode
from adit_jobrunner.meter import UNMETERED, Meter
from adit_jobrunner.run import Runner, run
from adit_jobrunner.settings import Settings


async def serve(settings: Settings) -> ExitCode:
    """Run until the set is worked or a signal comes: SIGTERM and SIGINT end it after the instance in hand."""
    with metered(settings.metrics_port) as meter:
        runner = Runner(settings, open_connector, Control(), meter=meter)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, runner.on_stop, "Now")
        async with connected(os.environ) as (cluster, lease):
            return await run(runner, cluster, lease)


@contextmanager
def metered(port: int) -> Iterator[Meter]:
    """Count, and answer Prometheus on this port while the context is open; 0 does neither."""
    if not port:
        yield UNMETERED
        return
    from adit.metrics_port import serving  # noqa: PLC0415 - a workstation, which has no port, has no such library
    from adit_jobrunner.metrics import RunnerMetrics  # noqa: PLC0415 - as above

    metrics = RunnerMetrics()
    with ExitStack() as stack:
        try:
            stack.enter_context(serving(metrics.registry, port))
        except OSError as error:
            log = structlog.get_logger("adit.runner")
            log.warning("no metrics: the port cannot be listened on", port=port, error=error.strerror)
        yield metrics


def main() -> ExitCode:
    """Translate what cannot be written into a status into an exit code and a line of the log."""
    log_to(sys.stdout)
    logger = structlog.get_logger("adit.runner")
    try:
        return asyncio.run(serve(Settings()))
    except ValidationError as error:
        names = sorted({str(problem["loc"][0]) for problem in error.errors(include_input=False, include_url=False)})
        logger.error("unusable environment", variables=names)  # noqa: TRY400 - the values are not for the log
        return ExitCode.GIVE_UP
    except AditError as error:
        logger.error("ended without a word", reason=error.reason, message=error.message)  # noqa: TRY400 - says it all
        return (
            ExitCode.AGAIN
            if isinstance(error, RetryableError) and not isinstance(error, BadInput)
            else ExitCode.GIVE_UP
        )


if __name__ == "__main__":
    sys.exit(main())
