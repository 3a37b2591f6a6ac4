"""adit get, describe, delete and check: looking at objects, and removing them."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adit.cluster.cluster import Manifest
from adit.cluster.embedded.locks import try_operator_lock
from adit.cluster.kinds import KINDS, TRANSFER_JOB, Kind, Ref, kind_named
from adit.errors import BadInput
from adit_cli import documents, render
from adit_cli.app import app, session_of
from adit_cli.describe import MOST_EXCEPTIONS, describe_lines
from adit_cli.errors import reported
from adit_cli.kubectl_notes import kubectl_notes
from adit_cli.session import Session, run_async
from adit_cli.verbs import FINISHED

KindWord = Annotated[
    str, typer.Argument(metavar="KIND", help="dcmsrv, dcmfld, tj, ts, jobs, secrets … or the full name.")
]


class Output(StrEnum):
    """How `adit get` prints."""

    TABLE = "table"
    WIDE = "wide"
    YAML = "yaml"
    JSON = "json"


def kind_of(word: str) -> Kind:
    """The kind that a person named. Raises BadInput with the words that are known."""
    kind = kind_named(word)
    if kind is None:
        known = ", ".join(sorted(k.short or k.plural for k in KINDS.values()))
        raise BadInput(f"there is no kind {word}; known are: {known}")
    return kind


async def read_objects(session: Session, kind: Kind, name: str | None, *, everywhere: bool) -> list[Manifest]:
    """One object, or all of a kind."""
    async with session.cluster() as cluster:
        if name is not None:
            return [await cluster.get(Ref(kind.name, session.namespace, name))]
        listing = await cluster.list(kind.name, namespace=None if everywhere else session.namespace)
        return sorted(listing.items, key=lambda m: (m["metadata"]["namespace"], m["metadata"]["name"]))


@app.command()
def get(
    context: typer.Context,
    kind_word: KindWord,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One object; without it all are listed.")] = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="table, wide, yaml or json.")] = Output.TABLE,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Not only --namespace.")] = False,
) -> None:
    """List objects, or print one.

    Examples: [bold]adit get tj[/bold] · [bold]adit get tj night -o yaml[/bold] · [bold]adit get dcmsrv -o wide[/bold]
    """
    session = session_of(context)
    with reported(session.err):
        kind = kind_of(kind_word)
        found = run_async(read_objects(session, kind, name, everywhere=everywhere))
        if output is Output.YAML:
            typer.echo(render.as_yaml(found), nl=False)
        elif output is Output.JSON:
            typer.echo(render.as_json(found))
        elif not found:
            session.err.print(f"no {kind.plural} in {'any namespace' if everywhere else session.namespace}")
        else:
            now = datetime.now(UTC)
            typer.echo(render.table(kind.name, found, now, wide=output is Output.WIDE, namespaced=everywhere))


@app.command()
def describe(
    context: typer.Context,
    kind_word: KindWord,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The object.")],
    everything: Annotated[bool, typer.Option("--all", help="Every exception, however many.")] = False,
) -> None:
    """Say in words how an object is: conditions, counts, and every instance that did not arrive, by name.

    Example: [bold]adit describe tj night[/bold]
    """
    session = session_of(context)
    with reported(session.err):
        kind = kind_of(kind_word)

        async def gather() -> tuple[Manifest, list[Manifest]]:
            async with session.cluster() as cluster:
                found = await cluster.get(Ref(kind.name, session.namespace, name))
                sets = (
                    await cluster.list("TaskSet", namespace=session.namespace) if kind.name == "TransferJob" else None
                )
                return found, list(sets.items) if sets else []

        found, sets = run_async(gather())
        most = None if everything else MOST_EXCEPTIONS
        if idle(session, found):
            session.err.print("nobody works this job now: adit run FILE… goes on", style="yellow")
        for line in describe_lines(found, sets, datetime.now(UTC), most=most):
            typer.echo(line)


def idle(session: Session, manifest: Manifest) -> bool:
    """Whether this is an unfinished job, and no `adit run` holds the data folder."""
    phase = manifest.get("status", {}).get("phase")
    if manifest["kind"] != TRANSFER_JOB.name or phase in FINISHED | {"Suspended"}:
        return False
    with try_operator_lock(session.data) as free:
        return free


@app.command()
def delete(
    context: typer.Context,
    kind_word: KindWord,
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="The objects.")],
) -> None:
    """Delete objects. Deleting a job cancels it: its runners stop, its record is gone; images that arrived stay.

    Example: [bold]adit delete tj night[/bold]
    """
    session = session_of(context)
    with reported(session.err):
        kind = kind_of(kind_word)

        async def remove() -> None:
            async with session.cluster() as cluster:
                for name in names:
                    ref = Ref(kind.name, session.namespace, name)
                    await cluster.get(ref)
                    await cluster.delete(ref)
                    session.out.print(f"{ref} deleted", markup=False, highlight=False)

        run_async(remove())


@app.command()
def check(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="YAML files; - reads standard input.")],
) -> None:
    """Validate manifests and change nothing; lists of tasks in Secrets of the same files, too.

    Example: [bold]adit check examples/local/*.yaml[/bold]
    """
    session = session_of(context)
    with reported(session.err):
        found = documents.read_files(files, session.namespace)
        for document in found:
            for warning in document.warnings:
                session.err.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        for note in kubectl_notes(found):
            session.err.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
        session.out.print(f"{len(found)} objects are valid", highlight=False)
