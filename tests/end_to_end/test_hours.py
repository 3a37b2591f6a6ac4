"""Windows and request rates on a cluster: images that have no time zones of their own, and pods that keep the pace."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adit_cli.testing import manifests
from tests.end_to_end.release import Resident

pytestmark = pytest.mark.cluster

ZONE = "Asia/Kathmandu"  # 5:45 ahead of UTC: nobody hits it by chance


def closed_now() -> dict[str, Any]:
    """A window that opens in twelve hours, by a clock in Kathmandu."""
    opens = datetime.now(UTC).astimezone(ZoneInfo(ZONE)) + timedelta(hours=12)
    return {"start": f"{opens:%H:%M}", "end": f"{opens + timedelta(hours=1):%H:%M}", "timeZone": ZONE}


def test_a_job_waits_for_the_window_and_then_keeps_the_pace(tenant: Resident) -> None:
    studies = tenant.load("a", "b")
    limits = {"maxAssociations": 2, "reservedInteractive": 1, "requestsPerMinute": 120}  # one slot: every 0.5 s
    window = closed_now()
    tenant.apply(
        tenant.server("source", tenant.source, windows=[window], limits=limits),
        tenant.server("destination", tenant.destination),
        manifests.job("night", studies),
    )
    tenant.until(
        "night", "the window is closed", lambda: tenant.condition("night", "Admitted").get("reason") == "WindowClosed"
    )
    assert f"{window['start']} {ZONE}" in tenant.condition("night", "Admitted")["message"]
    assert tenant.release.jobs_of(tenant.namespace) == []

    always = {"start": "00:00", "end": "24:00", "timeZone": ZONE}
    tenant.apply(tenant.server("source", tenant.source, windows=[always], limits=limits))
    tenant.wait_for_phase("night", "Success")
    assert tenant.arrived == tenant.expected
    assert min(later - earlier for earlier, later in pairwise(tenant.source.requests)) > 0.4  # one may be noted late
