"""Windows and request rates of a PACS, as its owner writes them and as the PACS sees them kept."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital
from adit_cli.testing.program import until

ALWAYS = {"start": "00:00", "end": "24:00", "timeZone": "Europe/Berlin"}


def far_from_now() -> dict[str, Any]:
    """A window that opens in twelve hours, for one."""
    opens = datetime.now(UTC) + timedelta(hours=12)
    return {"start": f"{opens:%H:%M}", "end": f"{opens + timedelta(hours=1):%H:%M}"}


def source_with(hospital: Hospital, **fields: Any) -> dict[str, Any]:
    server = hospital.servers[0]
    return {**server, "spec": {**server["spec"], **fields}}


def written(hospital: Hospital, server: dict[str, Any]) -> Path:
    return manifests.write(hospital.folder / "changed.yaml", [server])


def test_a_job_waits_outside_the_window_and_goes_on_when_there_is_one(hospital: Hospital) -> None:
    window = far_from_now()
    opened = written(hospital, source_with(hospital, windows=[window, ALWAYS]))
    hospital.servers[0] = source_with(hospital, windows=[window])
    with hospital.adit.started("run", hospital.file()) as program:
        program.says("is outside its windows: it opens at")
        program.says(f"{window['start']} UTC")
        assert hospital.source.requests == ()
        assert hospital.adit.run("run", opened).code == 0
        assert program.ended() == 0, program.text
    assert hospital.arrived == hospital.all_instances


def test_a_window_that_is_taken_away_lets_the_study_in_work_arrive_and_no_more(hospital: Hospital) -> None:
    closed = written(hospital, source_with(hospital, windows=[far_from_now()]))
    hospital.slow(0.4)
    with hospital.adit.started("run", hospital.file(parallelism=1)) as program:
        until(lambda: hospital.destination.received == 1)
        assert hospital.adit.run("run", closed).code == 0
        program.says("is outside its windows")
        assert program.process.poll() is None
    assert hospital.destination.received == 4  # one of three studies


def test_a_pacs_is_asked_no_more_often_than_its_owner_allows(hospital: Hospital) -> None:
    limits = {"maxAssociations": 2, "reservedInteractive": 1, "requestsPerMinute": 240}  # one slot: every 0.25 s
    hospital.servers[0] = source_with(hospital, limits=limits)
    assert hospital.adit.run("run", hospital.file(parallelism=4)).code == 0
    asked = hospital.source.requests
    assert len(asked) == 12
    assert min(later - earlier for earlier, later in pairwise(asked)) > 0.2  # one may be noted late
    assert hospital.arrived == hospital.all_instances
