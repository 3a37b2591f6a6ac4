"""How many requests a minute each runner may make, and that it is told so."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.contract import SERVER_FILE, RenderedServer
from adit.testing.cluster import server_manifest, transfer_job_manifest
from adit_operator.rate import request_share
from adit_operator.testing.builders import dicom_server
from adit_operator.testing.desk import Desk

LIMITED = dicom_server(limits={"maxAssociations": 5, "reservedInteractive": 1, "requestsPerMinute": 120})


def limited(name: str, per_minute: int | None = None, *, ae_title: str = "PACS", **limits: int) -> Any:
    rate = {} if per_minute is None else {"requestsPerMinute": per_minute}
    return dicom_server(name, aeTitle=ae_title, limits={"maxAssociations": 5, **limits, **rate})


def test_runners_share_the_limit_by_the_slots_that_they_may_hold() -> None:
    assert request_share(LIMITED.spec, [LIMITED]) == 30


def test_without_a_limit_there_is_no_share() -> None:
    assert request_share(dicom_server().spec, [dicom_server()]) is None


def test_of_several_objects_of_one_endpoint_the_smallest_limit_and_the_fewest_slots_count() -> None:
    servers = [limited("pacs", 600), limited("again", 90, maxAssociations=4), limited("third")]
    assert [request_share(one.spec, servers) for one in servers] == [30, 30, 30]


def test_another_endpoint_has_a_limit_of_its_own() -> None:
    servers = [limited("pacs"), limited("research", 1, ae_title="RESEARCH")]
    assert request_share(servers[0].spec, servers) is None


def test_where_runners_have_no_slot_the_share_is_still_a_number() -> None:
    servers = [limited("pacs", 60, maxAssociations=1), limited("again", maxAssociations=5, reservedInteractive=2)]
    assert request_share(servers[0].spec, servers) == 60


@settings(deadline=None)
@given(st.integers(1, 100_000), st.integers(1, 100))
def test_all_runners_together_keep_the_limit(per_minute: int, associations: int) -> None:
    server = limited("pacs", per_minute, maxAssociations=associations)
    share = request_share(server.spec, [server])
    assert share is not None
    slots = server.spec.limits.runner_slots
    if per_minute < slots:  # each in a pause of more than a minute: on average
        assert share * slots == pytest.approx(per_minute)
    else:  # whole requests: in any minute
        assert share == per_minute // slots


def test_a_share_is_rounded_down_so_that_all_slots_together_keep_the_limit() -> None:
    server = limited("pacs", 60, maxAssociations=8, reservedInteractive=1)
    assert request_share(server.spec, [server]) == 8  # and not 8.6, of which a minute could hold 9


async def given_source(desk: Desk, job: dict[str, Any]) -> RenderedServer:
    """What the runner of a Job is given of the source."""
    volumes = job["spec"]["template"]["spec"]["volumes"]
    [name] = [one["secret"]["secretName"] for one in volumes if one["name"] == "source"]
    secret = await desk.cluster.get(Ref("Secret", desk.world.settings.runner_namespace, name))
    return RenderedServer.of(json.loads(base64.b64decode(secret["data"][SERVER_FILE])))


async def test_a_runner_is_told_its_share_and_the_windows(desk: Desk, cluster: EmbeddedCluster) -> None:
    window = {"start": "00:00", "end": "24:00", "timeZone": "Europe/Berlin", "hard": True}
    limits = {"requestsPerMinute": 90}
    await cluster.patch(Ref("DicomServer", "default", "pacs"), {"spec": {"limits": limits, "windows": [window]}})
    await cluster.create(transfer_job_manifest())
    await desk.settle()
    [job] = await desk.runner_jobs()
    server = await given_source(desk, job)
    assert server.requests_per_minute == 30
    assert [(one.start, one.end, one.time_zone, one.hard) for one in server.spec.windows] == [
        ("00:00", "24:00", "Europe/Berlin", True)
    ]


async def test_a_runner_that_cannot_read_its_share_is_not_started_again_with_the_same(
    desk: Desk, cluster: EmbeddedCluster
) -> None:
    # a third object of the source's endpoint, which the job does not name, has the limit
    again = server_manifest("again")
    again["spec"] |= {"aeTitle": "PACS", "limits": {"requestsPerMinute": 60}}
    await cluster.create(again)
    await cluster.create(transfer_job_manifest())
    await desk.settle()
    [job] = await desk.runner_jobs()
    await desk.play(job, "P", "BadInput")
    await desk.settle()
    assert await desk.runner_jobs() == []
    await cluster.patch(Ref("DicomServer", "default", "again"), {"spec": {"limits": {"requestsPerMinute": None}}})
    await desk.settle()
    [job] = await desk.runner_jobs()
    assert (await given_source(desk, job)).requests_per_minute is None
