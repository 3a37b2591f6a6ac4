"""adit doctor: looks at everything that a transfer needs, and says of each thing that is wrong why and what to do."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from adit.cluster.connect import connect
from adit.cluster.embedded import EmbeddedCluster
from adit.diagnosis.embedded import examine_embedded
from adit.diagnosis.finding import Doing, Finding, Reports, note
from adit.diagnosis.plain import MARK, lines, summary
from adit.diagnosis.server import LIMIT_SECONDS, Manner
from adit.diagnosis.wanted import Wanted, failed
from adit_cli.app import app, session_of
from adit_cli.errors import reported
from adit_cli.exit_codes import ExitCode
from adit_cli.kubeconfig import chosen_environment
from adit_cli.session import Session, environment, run_async
from adit_cli.settings import ProgramSettings

COLORS = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "bold red", "skipped": "dim"}


class DoctorOutput(StrEnum):
    """Sentences for people, JSON lines for programs."""

    TEXT = "text"
    JSON = "json"


@app.command()
def doctor(  # noqa: PLR0917 - Typer reads the options of a command from its parameters
    context: typer.Context,
    servers: Annotated[
        list[str] | None, typer.Argument(metavar="SERVER", help="DicomServers, NAME or NAMESPACE/NAME; none: all.")
    ] = None,
    cluster: Annotated[bool, typer.Option("--cluster", help="Look at the Kubernetes cluster of KUBECONFIG.")] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Look at the Kubernetes cluster that this file names.", show_default=False)
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Only this namespace.", show_default="all")
    ] = None,
    without_slot: Annotated[
        bool, typer.Option("--without-slot", help="Ask servers even where no interactive slot can be had.")
    ] = False,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long each step may take.")] = LIMIT_SECONDS,
    output: Annotated[
        DoctorOutput, typer.Option("--output", "-o", help="text, or json: one object per line.")
    ] = DoctorOutput.TEXT,
) -> None:
    """Find out why transfers do not work: versions, rights, clocks, data folder, and each PACS step by step.

    Each thing that is wrong is told with its cause and its fix; docs/troubleshooting.md explains the words in brackets.
    Nothing is changed, and no patient's data is asked for. Exit codes: 0 no problem, 1 a problem, or a server that was
    named and could not be asked, 2 invalid input.

    Examples: [bold]adit doctor[/bold] · [bold]adit doctor pacs[/bold] ·
    [bold]adit doctor --cluster -n radiology[/bold] · [bold]adit doctor pacs -o json[/bold]
    """
    session = session_of(context)
    inherited = None if session.namespace == "default" else session.namespace
    wanted = Wanted(tuple(servers or ()), namespace or inherited, take_slots=not without_slot)
    with reported(session.err):
        settings = ProgramSettings()
        manner = Manner(
            settings.calling_ae_title,
            f"{session.person} (adit doctor, process {settings.process_id})",
            settings.slot_seconds,
            seconds,
        )
        environ = chosen_environment(session, environment(), kubeconfig, cluster=cluster)
        found = run_async(_examine(session, environ, wanted, manner, output))
        if output is DoctorOutput.TEXT:
            session.out.print(summary(found), markup=False, highlight=False, soft_wrap=True)
        if failed(found, wanted):
            raise typer.Exit(ExitCode.FAILURE)


async def _examine(
    session: Session, environ: Mapping[str, str], wanted: Wanted, manner: Manner, output: DoctorOutput
) -> list[Finding]:
    """Show each finding as it is made; all of them."""
    found: list[Finding] = []
    with _busy(session, output) as told:
        async with _reports(session, environ, wanted, manner) as reports:
            async for report in reports:
                if isinstance(report, Doing):
                    told(report.what)
                    continue
                found.append(report)
                _show(session, report, output)
    return found


@contextmanager
def _busy(session: Session, output: DoctorOutput) -> Iterator[Callable[[str], None]]:
    """Where what is done now is told: on the console that the findings go to, so that neither writes into the other."""
    if session.out.is_terminal and output is DoctorOutput.JSON:
        yield lambda _: None
        return
    console = session.out if session.out.is_terminal else session.err
    with console.status("") as status:
        yield lambda what: status.update(Text(what, style="dim"))


@asynccontextmanager
async def _reports(
    session: Session, environ: Mapping[str, str], wanted: Wanted, manner: Manner
) -> AsyncIterator[Reports]:
    """The checks of the data folder, or those of the Kubernetes cluster."""
    if environ.get("ADIT_DATA"):  # not opened here: a folder that is not there is not made by looking
        async with aclosing(_embedded(session, environ, wanted, manner)) as reports:
            yield reports
        return
    cluster, _ = connect(environ)
    async with cluster:
        assert not isinstance(cluster, EmbeddedCluster), "no data folder is named"
        from adit.diagnosis.cluster import examine_cluster  # noqa: PLC0415 - needs the extra `cluster`

        async with aclosing(examine_cluster(cluster, wanted, manner, environ)) as reports:
            yield reports


async def _embedded(session: Session, environ: Mapping[str, str], wanted: Wanted, manner: Manner) -> Reports:
    async with aclosing(examine_embedded(session.data, wanted, manner, environ)) as reports:
        async for report in reports:
            yield report
    if environ.get("KUBECONFIG"):
        yield note(
            "OnlyTheDataFolder",
            "cluster",
            "KUBECONFIG is set, and only the data folder was looked at",
            "adit doctor --cluster looks at the Kubernetes cluster",
        )


def _show(session: Session, finding: Finding, output: DoctorOutput) -> None:
    if output is DoctorOutput.JSON:
        typer.echo(json.dumps(finding.document(), ensure_ascii=False))
        return
    first, *others = lines(finding, session.out.width)
    text = Text(first)
    text.stylize(COLORS[finding.verdict], 0, MARK)
    session.out.print(text, soft_wrap=True, highlight=False)
    for line in others:
        session.out.print(Text(line), soft_wrap=True, highlight=False)
