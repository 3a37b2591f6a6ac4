"""adit mapping export: which patient got which pseudonym, as a file, for whoever has the verb read-mapping."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from adit.cluster.cluster import Cluster
from adit_cli.app import app, session_of
from adit_cli.errors import reported
from adit_cli.kubeconfig import chosen_environment
from adit_cli.mapping_access import Authority, Table, opened, refusal, rows_of
from adit_cli.mapping_audit import audit_line, keep_line
from adit_cli.mapping_file import content_of, form_of, require_free, write_private
from adit_cli.session import Session, environment, run_async

group = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""Which patient got which pseudonym, where a profile keeps that ([bold]mappingTable: true[/bold]).

Example: [bold]adit mapping export --profile study-7 -o study-7.xlsx[/bold]""",
)
app.add_typer(group, name="mapping")


@group.callback()
def mapping() -> None:
    """The verbs of mapping tables."""


@group.command()
def export(  # noqa: PLR0917 - Typer reads the options of a command from its parameters
    context: typer.Context,
    profile: Annotated[str, typer.Option("--profile", help="The PseudonymizationProfile.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write, .xlsx or .csv.", show_default=False)
    ],
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="The namespace of profile and jobs.", show_default="default")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    cluster: Annotated[bool, typer.Option("--cluster", help="From the Kubernetes cluster of KUBECONFIG.")] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="From the Kubernetes cluster that this file names.", show_default=False)
    ] = None,
    runner_namespace: Annotated[
        str, typer.Option(envvar="ADIT_RUNNER_NAMESPACE", help="The namespace of the runners: the release's.")
    ] = "adit",
) -> None:
    """Write a mapping table to a file that only you can read.

    Needs the verb read-mapping on the profile; with Kubernetes, also the right to list Secrets in the runners'
    namespace. Rows are never printed. What was exported, and what was refused, writes an audit line.

    Examples: [bold]adit mapping export --profile study-7 -o study-7.xlsx[/bold] ·
    [bold]adit mapping export --cluster -n research --profile study-7 -o study-7.csv --force[/bold]
    """
    session = session_of(context)
    with reported(session.err):
        form = form_of(output)
        require_free(output, force=force)
        table = Table(profile, namespace or session.namespace, runner_namespace)
        environ = chosen_environment(session, environment(), kubeconfig, cluster=cluster)
        rows, content = run_async(_exported(session, environ, table, form))
        write_private(output, content, force=force)
        session.out.print(f"{rows} rows written to {output}", markup=False, highlight=False, soft_wrap=True)


async def _exported(session: Session, environ: Mapping[str, str], table: Table, form: str) -> tuple[int, bytes]:
    """Ask the cluster that the environment names; each audit line is kept before it is shown."""

    def told(line: str) -> None:
        if environ.get("ADIT_DATA"):
            keep_line(session.data, line)
        session.err.print(line, markup=False, highlight=False, soft_wrap=True)

    async with opened(session, environ) as (cluster, authority):
        return await exported(cluster, authority, table, form, told)


async def exported(
    cluster: Cluster, authority: Authority, table: Table, form: str, told: Callable[[str], None]
) -> tuple[int, bytes]:
    """How many rows there are, and the content of the file; told to the audit before anybody gets it.

    Raises Forbidden where the person lacks the verb, and what `rows_of` raises.
    """
    who = await authority.who()
    if not await authority.may_read(table):
        told(audit_line(who, table, None))
        raise refusal(who, table)
    rows = await rows_of(cluster, table)
    content = content_of(rows, form)
    told(audit_line(who, table, len(rows)))
    return len(rows), content
