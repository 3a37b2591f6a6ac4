"""adit cancel, suspend, resume, retry: the verbs of a TransferJob, each a change of one field of its spec."""

import secrets
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

import typer

from adit.api.resource import TaskSet, TransferJob
from adit.api.task_set import TaskState
from adit.cluster.kinds import Ref
from adit_cli import verbs
from adit_cli.app import app, session_of
from adit_cli.errors import reported
from adit_cli.session import Session, run_async

JobName = Annotated[str, typer.Argument(metavar="JOB", help="A TransferJob.")]


class Scope(StrEnum):
    """Which tasks another round repeats."""

    FAILED = "Failed"
    FAILED_AND_WARNED = "FailedAndWarned"
    CANCELED = "Canceled"
    ALL = "All"


Decide = Callable[[TransferJob, Mapping[str, TaskState]], verbs.Patch]


def change(session: Session, name: str, decide: Decide, said: str) -> None:
    """Read the job and its tasks, decide, and write the verb, unless the job changed in between."""

    async def work() -> None:
        async with session.cluster() as cluster:
            ref = Ref("TransferJob", session.namespace, name)
            job = TransferJob.read(await cluster.get(ref))
            sets = await cluster.list("TaskSet", namespace=session.namespace)
            states = verbs.newest_states(job, map(TaskSet.read, sets.items))
            await cluster.patch(ref, dict(decide(job, states)), resource_version=job.metadata.resource_version)

    with reported(session.err):
        run_async(work())
        session.out.print(said, markup=False, highlight=False)


@app.command()
def cancel(
    context: typer.Context,
    name: JobName,
    now: Annotated[
        bool, typer.Option("--now", help="Interrupt the studies in work instead of finishing them.")
    ] = False,
) -> None:
    """End a job early. Studies in work are finished first, unless --now; what arrived stays at the destination.

    Examples: [bold]adit cancel night[/bold] · [bold]adit cancel --now night[/bold]
    """
    said = f"TransferJob/{name}: shutdown {'Immediate' if now else 'Graceful'} asked for"
    change(session_of(context), name, lambda job, _: verbs.canceled(job, now=now), said)


@app.command()
def suspend(context: typer.Context, name: JobName) -> None:
    """Stop after the studies in work; [bold]adit resume[/bold] goes on.

    Example: [bold]adit suspend night[/bold]
    """
    change(
        session_of(context),
        name,
        lambda job, _: verbs.suspended(job),
        f"TransferJob/{name} will stop after the studies in work",
    )


@app.command()
def resume(context: typer.Context, name: JobName) -> None:
    """Go on with a suspended job.

    Example: [bold]adit resume night[/bold]
    """
    change(
        session_of(context),
        name,
        lambda job, _: verbs.resumed(job),
        f"TransferJob/{name} resumed; adit run FILE… works it",
    )


@app.command()
def retry(
    context: typer.Context,
    name: JobName,
    scope: Annotated[Scope, typer.Option("--scope", help="Which tasks to repeat.")] = Scope.FAILED,
    task: Annotated[
        list[str] | None, typer.Option("--task", help="Only this task id of the scope; may be repeated.")
    ] = None,
) -> None:
    """Work some tasks of a finished job again, in another round.

    Examples: [bold]adit retry night[/bold] · [bold]adit retry night --scope FailedAndWarned --task t3 --task t7[/bold]
    """
    token = secrets.token_hex(8)
    change(
        session_of(context),
        name,
        lambda job, states: verbs.retried(job, states, token=token, scope=scope.value, tasks=task or ()),
        f"TransferJob/{name}: another round asked for (scope {scope.value}); adit run FILE… works it",
    )
