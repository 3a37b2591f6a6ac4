"""Hand-over on a cluster: a more urgent job gets the slot between two studies, and nothing is done twice."""

from dataclasses import replace

import pytest

from adit_cli.testing import manifests
from tests.end_to_end.release import Resident
from tests.end_to_end.tenant import counts

pytestmark = pytest.mark.cluster

ONE = {"maxAssociations": 2, "reservedInteractive": 1}
EACH = 4  # instances of a study


def test_an_urgent_job_gets_the_slot_after_the_current_study_and_the_other_goes_on(tenant: Resident) -> None:
    night, urgent = tenant.load(*"abcdefgh", instances=EACH), tenant.load("z", instances=EACH)
    tenant.apply(tenant.server("source", tenant.source, limits=ONE), tenant.server("destination", tenant.destination))
    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=0.5)
    tenant.apply(manifests.job("night", night, parallelism=1))
    tenant.until("night", "the first instance has arrived", lambda: tenant.arrived)

    tenant.apply(manifests.job("urgent", urgent, priority=200))
    tenant.wait_for_phase("urgent", "Success")
    assert tenant.status("night")["phase"] == "InProgress"
    assert len(tenant.arrived) < len(tenant.expected)

    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=0)
    tenant.wait_for_phase("night", "Success")
    assert tenant.arrived == tenant.expected
    assert tenant.destination.received == 9 * EACH
    assert tenant.status("night")["instances"] == counts(8 * EACH)
    assert [one["status"]["verdict"]["crashes"] for one in tenant.task_sets("night")] == [0] * 4
    assert tenant.source.peak_associations == 1
