"""adit echo and adit find: the first troubleshooting steps, on an interactive slot of the server."""

import asyncio
import json
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer
from pydicom import Dataset
from pydicom.multival import MultiValue

from adit.errors import BadInput
from adit.query import Level, Query
from adit_cli.app import app, session_of
from adit_cli.errors import reported
from adit_cli.interactive import connected
from adit_cli.plain_table import plain_table
from adit_cli.session import Session, run_async

ServerName = Annotated[str, typer.Argument(metavar="SERVER", help="A DicomServer; see [bold]adit get dcmsrv[/bold].")]

BELOW_STUDY = frozenset({Level.SERIES, Level.IMAGE})
# What a person wants to see of each level, as DICOM keywords.
SHOWN: dict[Level, tuple[str, ...]] = {
    Level.PATIENT: ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "NumberOfPatientRelatedStudies"),
    Level.STUDY: (
        "PatientID",
        "PatientName",
        "StudyDate",
        "StudyDescription",
        "ModalitiesInStudy",
        "AccessionNumber",
        "NumberOfStudyRelatedInstances",
        "StudyInstanceUID",
    ),
    Level.SERIES: (
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "NumberOfSeriesRelatedInstances",
        "SeriesInstanceUID",
        "StudyInstanceUID",
    ),
    Level.IMAGE: ("InstanceNumber", "SOPClassUID", "SOPInstanceUID"),
}


class LevelWord(StrEnum):
    """The levels as typed on a command line."""

    PATIENT = "patient"
    STUDY = "study"
    SERIES = "series"
    IMAGE = "image"


class FindOutput(StrEnum):
    """A table for people, JSON lines for programs."""

    TABLE = "table"
    JSON = "json"


@app.command()
def echo(context: typer.Context, server: ServerName) -> None:
    """Ask a server whether it is there: C-ECHO, or a one-row QIDO-RS search.

    Example: [bold]adit echo source[/bold]
    """
    session = session_of(context)
    with reported(session.err):

        async def work() -> float:
            async with connected(session, server) as peer:
                started = asyncio.get_running_loop().time()
                await asyncio.to_thread(peer.connector.echo)
                return asyncio.get_running_loop().time() - started

        seconds = run_async(work())
        session.out.print(f"{server} answers ({seconds * 1000:.0f} ms)", markup=False, highlight=False)


@app.command()
def find(  # noqa: PLR0917 - Typer reads the options of a command from its parameters
    context: typer.Context,
    server: ServerName,
    patient_id: Annotated[str, typer.Option(help="Patient ID; * and ? match.")] = "",
    patient_name: Annotated[str, typer.Option(help="Family^Given; * and ? match.")] = "",
    birth_date: Annotated[str, typer.Option(help="YYYYMMDD.")] = "",
    study_date: Annotated[str, typer.Option(help="YYYYMMDD, or a range 20240101-20240131.")] = "",
    modality: Annotated[list[str] | None, typer.Option(help="CT, MR …; may be repeated.")] = None,
    accession_number: Annotated[str, typer.Option(help="Accession number.")] = "",
    description: Annotated[str, typer.Option(help="Study (or series) description; * and ? match.")] = "",
    study_uid: Annotated[str, typer.Option("--study", help="Study Instance UID; needed below study level.")] = "",
    series_uid: Annotated[str, typer.Option("--series", help="Series Instance UID; needed at image level.")] = "",
    level: Annotated[LevelWord, typer.Option(help="What to list.")] = LevelWord.STUDY,
    limit: Annotated[int | None, typer.Option(min=1, max=100_000, help="End the search after so many answers.")] = None,
    output: Annotated[
        FindOutput, typer.Option("--output", "-o", help="table, or json: one object per line.")
    ] = FindOutput.TABLE,
) -> None:
    """Search a server for patients, studies, series or images.

    Examples: [bold]adit find source --patient-id SYN-0001[/bold] ·
    [bold]adit find source --study-date 20240101-20241231 --modality CT -o json[/bold] ·
    [bold]adit find source --study 1.2.3 --level series[/bold]
    """
    session = session_of(context)
    wanted = Level(level.value.upper())
    query = Query(
        level=wanted,
        patient_id=patient_id,
        patient_name=patient_name,
        patient_birth_date=birth_date,
        study_date=study_date,
        modalities=tuple(modality or ()),
        accession_number=accession_number,
        study_description=description if wanted in {Level.STUDY, Level.PATIENT} else "",
        series_description=description if wanted is Level.SERIES else "",
        study_instance_uid=study_uid,
        series_instance_uid=series_uid,
        limit=None,
    )
    with reported(session.err):
        for option, uid, below in (("--study", study_uid, BELOW_STUDY), ("--series", series_uid, {Level.IMAGE})):
            if wanted in below and not uid:
                raise BadInput(f"--level {level.value} needs {option}")
        answers, cut = run_async(_search(session, server, query, limit))
        if output is FindOutput.JSON:
            for answer in answers:
                typer.echo(json.dumps({k: _text(answer, k) for k in SHOWN[wanted] if k in answer}, ensure_ascii=False))
        else:
            typer.echo(plain_table(SHOWN[wanted], ([_text(a, keyword) for keyword in SHOWN[wanted]] for a in answers)))
        if cut:
            session.err.print(
                f"there are more than {len(answers)} answers: narrow the search or give --limit", style="yellow"
            )


async def _search(session: Session, server: str, query: Query, limit: int | None) -> tuple[list[Dataset], bool]:
    """The answers up to the limit (the server's maxSearchResults by default), and whether there were more."""
    async with connected(session, server) as peer:
        most = limit or peer.most
        one_more = replace(query, limit=most + 1)
        found = await asyncio.to_thread(lambda: list(peer.connector.find(one_more)))
        return found[:most], len(found) > most


def _text(answer: Dataset, keyword: str) -> str:
    value = answer.get(keyword)
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, MultiValue) else str(value)
