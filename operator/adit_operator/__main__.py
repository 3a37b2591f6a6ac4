"""python -m adit_operator: the operator on a Kubernetes cluster, until SIGTERM.

The rights that it needs are in docs/operator-rights.md.
"""

import asyncio
import os
import sys

import structlog
from pydantic import ValidationError

from adit.cluster.cluster import Lease
from adit.cluster.connect import connect
from adit.cluster.data_folder import DATA_ENV
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kubernetes import KubernetesCluster
from adit.cluster.kubernetes.events import KubernetesEvents
from adit.cluster.kubernetes.leadership import Leadership
from adit.errors import AditError, BadInput
from adit.log_output import log_to
from adit.metrics_port import serving
from adit_operator.election import identity, lead
from adit_operator.kopf_shell import EXIT_SECONDS, run_shell
from adit_operator.metrics import Metrics, OfTheMoment
from adit_operator.operator import Operator
from adit_operator.prober import ConnectorProber
from adit_operator.program import ProgramSettings
from adit_operator.settings import OperatorSettings, problems_of

log = structlog.get_logger()


async def serve(settings: OperatorSettings, program: ProgramSettings) -> None:
    """Run shell and operator until a signal ends the shell. Raises what ended either of them otherwise."""
    cluster, lease = connect(os.environ)
    async with cluster:
        if isinstance(cluster, EmbeddedCluster):
            raise BadInput(f"{DATA_ENV} names an embedded cluster, whose operator is a part of `adit run`")
        metrics = Metrics()
        who = identity(program.pod_name)

        async def work() -> None:
            await _work(cluster, lease, settings, health_port=program.health_port, metrics=metrics, who=who)

        with serving(metrics.registry, program.metrics_port):
            if not program.leader_election:
                metrics.leads(1)
                await work()
                return
            leadership = Leadership(cluster, settings.runner_namespace, who, name=program.lease_name)
            await lead(leadership, work, health_port=program.health_port, leads=metrics.leads)


async def _work(
    cluster: KubernetesCluster,
    lease: Lease,
    settings: OperatorSettings,
    *,
    health_port: int,
    metrics: Metrics,
    who: str,
) -> None:
    """Everything that only one operator at a time does."""
    events = KubernetesEvents(cluster, who, lost=metrics.event_lost)
    operator = Operator(
        cluster,
        lease,
        settings,
        ConnectorProber(calling_ae_title=settings.calling_ae_title, mount_dir=settings.mount_dir),
        slots=cluster.interactive_slots(settings.runner_namespace),
        events=events,
        follows=False,
        reconciled=metrics.reconciled,
        turned=lambda turn: metrics.turned(turn.waited, turn.evicted),
    )
    loop = asyncio.get_running_loop()
    metrics.registry.register(OfTheMoment(loop, lambda: operator.figures, lambda: operator.seconds_since_resync))
    posting = asyncio.create_task(events.run())
    try:
        await _together(operator, settings, health_port)
    finally:
        posting.cancel()
        await asyncio.wait({posting})


async def _together(operator: Operator, settings: OperatorSettings, health_port: int) -> None:
    """The end of one is the end of both; the shell ends without an error at a signal."""
    work = asyncio.create_task(operator.run())
    shell = asyncio.create_task(run_shell(operator, settings, health_port, ending=work.cancel))
    log.info("the operator runs", namespaces=settings.watch_namespaces or "all", runners=settings.runner_namespace)
    try:
        await asyncio.wait({shell, work}, return_when=asyncio.FIRST_COMPLETED)
        if work.cancelled():
            log.info("the operator ends, as it was asked to")
            await asyncio.wait({shell}, timeout=EXIT_SECONDS)
    finally:
        for task in (shell, work):
            task.cancel()
        await asyncio.wait({shell, work})
    for task in (work, shell):
        if not task.cancelled():
            _raise_ours(task)


def _raise_ours(task: asyncio.Task[None]) -> None:
    """What ended a task; of a group of errors the first of ours, which tells a person what to do."""
    try:
        task.result()
    except BaseExceptionGroup as group:
        ours = first_of_ours(group)
        if ours is None:
            raise
        raise ours from group


def first_of_ours(error: BaseException) -> AditError | None:
    """The first of our errors in a group, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return next((ours for ours in map(first_of_ours, error.exceptions) if ours is not None), None)
    return error if isinstance(error, AditError) else None


def main() -> int:
    """0 at a signal; 1 where the cluster or the environment cannot be used, with the reason in the log."""
    log_to(sys.stdout)
    try:
        asyncio.run(serve(OperatorSettings(), ProgramSettings()))
    except ValidationError as error:
        names = sorted({str(problem["loc"][0]) for problem in error.errors(include_input=False, include_url=False)})
        problems = problems_of(error)  # the values are not for the log
        log.error("unusable environment", variables=names, problems=problems)  # noqa: TRY400  # as it says
        return 1
    except AditError as error:
        log.error("the operator ends", reason=error.reason, message=error.message)  # noqa: TRY400  # says it all
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
