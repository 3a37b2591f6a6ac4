"""The command line: `adit` with its sub-commands, each in a module of its own that registers itself here."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from adit.cluster.data_folder import default_data_folder
from adit_cli.session import Session, environment, local_person

app = typer.Typer(
    name="adit",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Move DICOM studies between PACS servers and folders, de-identified or not, and prove that they arrived.

Without a cluster everything lies in one data folder (--data). Start with [bold]adit demo[/bold], then see
[bold]adit check[/bold] and [bold]adit run[/bold].""",
)


@app.callback()
def main(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", envvar="ADIT_DATA", help="The folder that jobs, results and logs lie in.", show_default=False
        ),
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="The namespace of the objects.")] = "default",
) -> None:
    """Read the options that every command has."""
    context.obj = open_session(data, namespace)


def open_session(data: Path | None, namespace: str) -> Session:
    """As the options before the command say."""
    return Session(
        data=data or default_data_folder(environment()),
        namespace=namespace,
        person=local_person(),
        out=Console(),
        err=Console(stderr=True),
    )


def session_of(context: typer.Context) -> Session:
    """The session that the callback made."""
    session = context.obj
    assert isinstance(session, Session)
    return session
