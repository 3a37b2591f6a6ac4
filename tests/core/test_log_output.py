"""What the programs log of a defect: where it happened, and nothing of whom it happened to."""

import json
import subprocess
import sys

import pytest

SECRET = "P-4711-DOE"
DEFECT = f"""
import asyncio, logging, sys, structlog

def reconcile():
    patient_id = "{SECRET}"
    try:
        dict()[patient_id]
    except KeyError as error:
        error.add_note(patient_id)
        raise ExceptionGroup(patient_id, [ValueError(patient_id), error]) from error

def told(log):
    try:
        reconcile()
    except Exception:
        log("a defect; the others go on")

async def forgotten():
    task = asyncio.create_task(asyncio.to_thread(reconcile))
    await asyncio.sleep(0.2)
    del task

"""
RUNNER = "from adit_jobrunner.__main__ import main\nmain()\n"
OPERATOR = "from adit_operator.__main__ import main\nmain()\n"  # ends at once, too: nothing says which cluster
LIBRARY = "from adit.log_output import log_to\nlog_to(sys.stdout)\n"
COMMAND_LINE = """
from adit_cli.__main__ import main
from adit_cli.app import app
sys.argv = ["adit", "break"]

@app.command("break")
def broken():
    {}

main()
"""
STRUCTURED = "told(structlog.get_logger().exception)"
STANDARD = "told(logging.getLogger('library').exception)"
FORGOTTEN = "asyncio.run(forgotten())"
UNCAUGHT = "reconcile()"


def output_of(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DEFECT + program], capture_output=True, text=True, check=False, env={}, timeout=60
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("happens", [STRUCTURED, STANDARD, FORGOTTEN, UNCAUGHT])
@pytest.mark.parametrize("program", ["runner", "operator", "library", "command line"])
def test_a_defect_is_logged_with_its_place_and_without_a_value(program: str, happens: str) -> None:
    if program == "command line":
        output = output_of(COMMAND_LINE.format(happens))
    else:
        output = output_of({"runner": RUNNER, "operator": OPERATOR, "library": LIBRARY}[program] + happens)

    assert "ExceptionGroup" in output
    assert "KeyError" in output
    assert "reconcile" in output
    assert SECRET not in output


def test_each_line_of_a_container_is_one_json_object() -> None:
    lines = [json.loads(line) for line in output_of(LIBRARY + STRUCTURED + "\n" + STANDARD).splitlines()]

    assert [(line["event"], line["level"]) for line in lines] == [("a defect; the others go on", "error")] * 2
    assert lines[0]["exception"][0]["exc_type"] == "ExceptionGroup"
    assert [one[0]["exc_type"] for one in lines[0]["exception"][0]["exceptions"]] == ["ValueError", "KeyError"]


def test_the_warnings_of_the_dicom_libraries_quote_values_and_are_silent() -> None:
    speaks = f"import warnings\nwarnings.warn('{SECRET}')\nlogging.getLogger('pydicom').error('{SECRET}')"

    assert output_of(LIBRARY + speaks) == ""
