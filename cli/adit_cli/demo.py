"""adit demo: two PACS of our own, the example jobs between them, and the proof by asking the destination."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from adit.api.dicom_server import DicomServerSpec
from adit.api.manifests import Document
from adit.cluster.embedded.folder import prepare_data_folder
from adit.cluster.kinds import Ref
from adit.connectors import Target, open_connector
from adit.errors import BadInput
from adit.testing.example_patients import example_patients
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit_cli import documents
from adit_cli.app import app, session_of
from adit_cli.demo_proof import StudyProof, adds_up, last_line, proof_of, proof_table
from adit_cli.errors import reported
from adit_cli.exit_codes import ExitCode, code_of
from adit_cli.follow import Jobs
from adit_cli.host import operator_settings
from adit_cli.run import print_results, worked
from adit_cli.session import Session, run_async
from adit_cli.settled import outcome

SOURCE, DESTINATION = "source", "destination"


@dataclass(frozen=True, slots=True)
class Stage:
    """The two running PACS, by the names that the example servers have."""

    source: LoopbackPacs
    destination: LoopbackPacs

    @property
    def by_name(self) -> dict[str, LoopbackPacs]:
        return {SOURCE: self.source, DESTINATION: self.destination}


@app.command()
def demo(
    context: typer.Context,
    examples: Annotated[Path, typer.Option(help="The folder of manifests to run.")] = Path("examples/local"),
    drop_every: Annotated[
        int, typer.Option("--drop-every", min=0, help="See it fail: the destination loses every n-th instance.")
    ] = 0,
) -> None:
    """See it work: start two PACS, move the example studies from one to the other, and ask the other what it has.

    The last line is made for scripts, the exit code is 0 only if everything adds up.

    Example: [bold]adit demo[/bold], in a checkout of the project
    """
    session = session_of(context)
    with reported(session.err):
        files = sorted(examples.glob("*.yaml"))
        if not files:
            raise BadInput(f"{examples} holds no *.yaml: run it in a checkout of the project, or give --examples")
        found = documents.read_files(files, session.namespace)
        own = replace(session, data=prepare_data_folder(session.data) / "demo")
        code = run_async(shown(own, found, Faults(drop_every_nth_stored=drop_every)))
    raise typer.Exit(code)


async def shown(session: Session, found: Sequence[Document], faults: Faults) -> ExitCode:
    """Start the PACS, run the jobs under new names, prove and print."""
    started = time.monotonic()
    run_id = f"{time.time_ns() // 1_000_000:x}"[-8:]
    with staged(found) as stage:
        session.out.print(
            f"{stage.source.ae_title} on port {stage.source.port} holds {len(stage.source.instances())} instances, "
            f"{stage.destination.ae_title} on port {stage.destination.port} is empty",
            highlight=False,
        )
        stage.destination.faults = faults
        made = [fresh(document, stage, run_id) for document in found]
        async with session.cluster() as cluster:
            await documents.apply_all(cluster, made)
        jobs = await worked(session, [document.ref for document in made if document.kind == "TransferJob"])
        print_results(session, jobs)
        proofs = await asyncio.to_thread(proven, session, made, jobs)
        received = stage.destination.received
    return told(session, proofs, jobs, received, time.monotonic() - started)


def told(session: Session, proofs: list[StudyProof], jobs: Jobs, received: int, seconds: float) -> ExitCode:
    """Print the proof, and the last line; success only if everything adds up."""
    failed = sum(job.status.tasks.failed + job.status.tasks.canceled for job in jobs.values())
    failed = max(failed, sum(proof.missing for proof in proofs))
    typer.echo(proof_table(proofs))
    session.out.print(
        f"{seconds:.1f} s; {received / seconds:.0f} instances/s on average, start-up included", highlight=False
    )
    typer.echo(last_line(proofs, received, failed))
    fine = adds_up(proofs, received, failed) and code_of(outcome(job) for job in jobs.values()) is ExitCode.SUCCESS
    return ExitCode.SUCCESS if fine else ExitCode.FAILURE


@contextmanager
def staged(found: Sequence[Document]) -> Iterator[Stage]:
    """Both PACS on the ports of the example servers, or on free ones where those are taken; the source is filled."""
    servers = {document.name: document for document in found if document.kind == "DicomServer"}
    if missing := {SOURCE, DESTINATION} - servers.keys():
        raise BadInput(f"the examples have no DicomServer named {', '.join(sorted(missing))}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="adit-demo-")))
        source = stack.enter_context(served(folder / SOURCE, servers[SOURCE]))
        destination = stack.enter_context(served(folder / DESTINATION, servers[DESTINATION]))
        source.load(example_patients(folder / "examples"))
        destination.clear()
        yield Stage(source, destination)


@contextmanager
def served(folder: Path, server: Document) -> Iterator[LoopbackPacs]:
    """One PACS, as the server's manifest describes it."""
    spec = DicomServerSpec.of(server.manifest["spec"])
    if spec.dimse is None:
        raise BadInput(f"{server.ref} has no spec.dimse")
    try:
        pacs = LoopbackPacs(folder, spec.ae_title, spec.dimse.port)
        pacs.start()
    except OSError:  # the port is taken: any other will do, since the manifest is rewritten to it
        pacs = LoopbackPacs(folder, spec.ae_title)
        pacs.start()
    try:
        yield pacs
    finally:
        pacs.stop()


def fresh(document: Document, stage: Stage, run_id: str) -> Document:
    """The document as this run needs it: a new job name, the ports that the PACS really listen on."""
    manifest: dict[str, Any] = document.manifest
    if document.kind == "TransferJob":
        name = f"{document.name}-{run_id}"
        manifest = {**manifest, "metadata": {**manifest["metadata"], "name": name}}
        return replace(document, manifest=manifest, ref=Ref(document.kind, document.namespace, name))
    if document.kind == "DicomServer" and document.name in stage.by_name:
        port = stage.by_name[document.name].port
        spec = {**manifest["spec"], "dimse": {**manifest["spec"]["dimse"], "port": port}}
        return replace(document, manifest={**manifest, "spec": spec})
    return document


def proven(session: Session, made: Sequence[Document], jobs: Jobs) -> list[StudyProof]:
    """Ask both PACS by C-FIND, the way anybody would."""
    settings = operator_settings(session.data)
    targets = {
        document.name: Target(
            document.name,
            DicomServerSpec.of(document.manifest["spec"]),
            settings.calling_ae_title,
            Path(settings.mount_dir),
        )
        for document in made
        if document.kind == "DicomServer"
    }
    excluded = frozenset(settings.exclude_modalities)
    with open_connector(targets[SOURCE]) as source, open_connector(targets[DESTINATION]) as destination:
        return [proof for job in jobs.values() for proof in proof_of(job, source, destination, excluded)]
