"""The audit line of a study that left."""

import json

import structlog
from structlog.testing import capture_logs

from adit.api.counts import InstanceCounts
from adit.transfer.audit import Occasion, audit, audit_event
from adit.transfer.record import TaskLine

LINE = TaskLine(
    id="t0", state="W", method="Instances", bytes=99, instances=InstanceCounts(listed=3, expected=3, stored=2)
)


def occasion(profile: str | None) -> Occasion:
    return Occasion(
        requested_by="alice",
        job_uid="0000aaaa",
        job="night",
        namespace="default",
        task_set="tj-night-0",
        source="pacs",
        destination="research",
        profile=profile,
        profile_hash="ab" * 32 if profile else None,
    )


def test_it_says_who_moved_how_many_from_where_to_where_under_which_profile() -> None:
    event = audit_event(occasion("adit-compatible"), LINE, "Warning")
    assert (event["requestedBy"], event["jobUid"], event["source"], event["destination"]) == (
        "alice",
        "0000aaaa",
        "pacs",
        "research",
    )
    assert (event["profile"], event["profileHash"], event["outcome"]) == ("adit-compatible", "ab" * 32, "Warning")
    assert (event["instances"]["stored"], event["bytes"]) == (2, 99)
    assert "identified" not in event


def test_identified_data_is_called_so() -> None:
    event = audit_event(occasion(None), LINE, "Success")
    assert event["identified"] is True
    assert "profile" not in event


def test_it_is_one_line_of_the_log() -> None:
    with capture_logs() as lines:
        audit(structlog.get_logger(), occasion(None), LINE, "Success")
    [line] = lines
    assert line["audit"] is True
    assert json.loads(json.dumps(line)) == line
