"""Probes beside a run: a PACS counts its associations, and never sees more than its owner allows."""

from dataclasses import replace

import pytest

from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital
from adit_cli.testing.program import QUICK, Adit


@pytest.mark.parametrize(("most", "parallelism"), [(1, 4), (2, 4)])
def test_servers_that_are_asked_every_second_never_have_more_associations_than_they_may(
    hospital: Hospital, most: int, parallelism: int
) -> None:
    """With one association none is kept for people, and a probe takes a runner's place between two runners."""
    adit = Adit(hospital.adit.data, {**QUICK, "ADIT_REACHABLE_SECONDS": "1"})
    limited = {"limits": {"maxAssociations": most}}
    hospital = replace(
        hospital, adit=adit, servers=[{**one, "spec": {**one["spec"], **limited}} for one in hospital.servers]
    )
    hospital.slow(0.2)
    assert adit.run("run", hospital.file(parallelism=parallelism)).code == 0
    assert hospital.arrived == hospital.all_instances
    assert hospital.source.peak_associations <= most
    assert hospital.destination.peak_associations <= most
    assert "ProbeSucceeded" in adit.run("get", "dcmsrv", "source", "-o", "yaml").out


def test_a_server_that_no_job_needs_is_asked_as_well(hospital: Hospital) -> None:
    with LoopbackPacs(hospital.folder / "spare", "SPARE") as spare:
        hospital.slow(0.2)
        spare_server = manifests.server("spare", spare)
        assert hospital.adit.run("run", hospital.file(spare_server)).code == 0
    assert "ProbeSucceeded" in hospital.adit.run("get", "dcmsrv", "spare", "-o", "yaml").out
