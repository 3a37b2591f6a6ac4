"""adit run: applies manifests to the embedded cluster and works until every job in them is settled."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from adit.api.manifests import Document
from adit.cluster.kinds import Ref
from adit_cli import documents
from adit_cli.app import app, session_of
from adit_cli.errors import reported
from adit_cli.exit_codes import ExitCode, code_of
from adit_cli.follow import Jobs, follow, look
from adit_cli.host import hosted
from adit_cli.progress import JobProgress
from adit_cli.render import table
from adit_cli.session import Session, run_async
from adit_cli.settled import outcome, settled, stalled, told


@app.command()
def run(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="YAML files; - reads standard input.")],
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Give up after so many seconds; the job can go on later.")
    ] = None,
) -> None:
    """Apply manifests and work until every job in them is finished, stalled or suspended.

    Interrupted in any way and run again, it goes on where it was. A job that has finished before is not run again: its
    result is printed (adit retry opens another round).

    Exit code: 0 all Success, 3 at worst Warning, 1 any Failure, Canceled, Stalled, Suspended or time-out, 2 invalid
    input, 130 Ctrl-C or SIGTERM.

    Example: [bold]adit run examples/local/*.yaml[/bold]
    """
    session = session_of(context)
    with reported(session.err, "interrupted: what arrived is kept, the same command goes on where it was"):
        found = documents.read_files(files, session.namespace)
        for document in found:
            for warning in document.warnings:
                session.err.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        code = run_async(work(session, found, timeout))
    raise typer.Exit(code)


async def work(session: Session, found: Sequence[Document], timeout: float | None) -> ExitCode:  # noqa: ASYNC109 - ours
    """Apply, host, follow, and print the results."""
    async with session.cluster() as cluster:
        await documents.apply_all(cluster, found)
        refs = [document.ref for document in found if document.kind == "TransferJob"]
        if not refs:
            session.out.print(f"{len(found)} objects applied, no job among them", highlight=False)
            return ExitCode.SUCCESS
        jobs = await worked(session, refs, timeout)
    print_results(session, jobs)
    if not all(map(settled, jobs.values())):
        said = f"not finished after {timeout:g} s: what arrived is kept, the same command goes on where it was"
        session.err.print(said, style="red", highlight=False, soft_wrap=True)
        return ExitCode.FAILURE
    return code_of(outcome(job) for job in jobs.values())


async def worked(session: Session, refs: Sequence[Ref], timeout: float | None = None) -> Jobs:  # noqa: ASYNC109 - its end is an answer
    """Host the cluster until the jobs are settled, or the time is up, showing their progress; how they are then."""
    async with session.cluster() as cluster, hosted(session.data) as host:
        with JobProgress(session.err) as progress:
            following = asyncio.create_task(follow(cluster, refs, progress.show))
            try:
                await asyncio.wait({host, following}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                if host.done():
                    await host  # it never ends by itself: this raises why it did
                if following.done():
                    return await following
            finally:
                following.cancel()
        return await look(cluster, refs)


def print_results(session: Session, jobs: Jobs) -> None:
    """One row per job, and a sentence for each that a person must look at."""
    manifests = [job.manifest() for job in jobs.values()]
    typer.echo(table("TransferJob", manifests, datetime.now(UTC), wide=False, namespaced=False))
    for ref, job in jobs.items():
        sentence = told(ref, job)
        if sentence:
            style = "red" if stalled(job) or job.status.phase in {"Failure", "Canceled"} else "yellow"
            session.err.print(sentence, style=style, markup=False, highlight=False, soft_wrap=True)
