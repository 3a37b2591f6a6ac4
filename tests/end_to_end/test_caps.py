"""What one PACS sees of many runners: never more associations than it allows, under whatever names it is known."""

from dataclasses import replace

import pytest

from adit_cli.testing import manifests
from tests.end_to_end.release import Resident
from tests.end_to_end.tenant import counts

pytestmark = pytest.mark.cluster

TWO = {"maxAssociations": 2, "reservedInteractive": 0}


def test_two_jobs_through_two_servers_of_one_pacs_keep_within_its_associations(tenant: Resident) -> None:
    first, second = tenant.load("a", "b", "c", instances=3), tenant.load("d", "e", "f", instances=3)
    tenant.apply(
        tenant.server("source", tenant.source, limits={"maxAssociations": 9, "reservedInteractive": 0}),
        tenant.server("by-day", tenant.destination, limits=TWO),
        tenant.server("by-night", tenant.destination, limits=TWO),
    )
    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=0.3)
    tenant.apply(
        manifests.job("first", first, destination="by-day", parallelism=4),
        manifests.job("second", second, destination="by-night", parallelism=4),
    )

    for name in ("first", "second"):
        tenant.wait_for_phase(name, "Success")
        assert tenant.status(name)["instances"] == counts(9)

    assert tenant.arrived == tenant.expected
    assert tenant.destination.peak_associations == 2
