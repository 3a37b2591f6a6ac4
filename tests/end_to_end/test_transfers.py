"""Images that move through the installed chart: from pods to PACS that stand outside, as in life."""

import pytest

from tests.end_to_end.release import Resident

pytestmark = pytest.mark.cluster


def test_a_job_moves_every_instance_once(tenant: Resident) -> None:
    studies = tenant.load("a", "b")
    tenant.job("night", studies)

    tenant.wait_for_phase("night", "Success")

    assert tenant.arrived == tenant.expected
    assert tenant.destination.received == len(tenant.expected) == 8
