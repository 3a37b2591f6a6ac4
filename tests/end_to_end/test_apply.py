"""Manifests that are applied again and again, by several people and tools, while the operator works on them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from adit_cli.testing import manifests
from tests.end_to_end.release import Resident
from tests.end_to_end.tenant import listed

pytestmark = pytest.mark.cluster


def managers(one: Any, part: str) -> set[str]:
    """Who owns fields of a part of an object."""
    fields = one["metadata"]["managedFields"]
    return {entry["manager"] for entry in fields if f"f:{part}" in entry.get("fieldsV1", {})}


def test_what_is_applied_twice_shows_no_difference_and_no_new_generation(tenant: Resident) -> None:
    studies = tenant.load("a")
    wanted = json.dumps(listed([*tenant.servers(), manifests.job("night", studies)]))
    tenant.kubectl("apply", "-f", "-", input=wanted)
    tenant.wait_for_phase("night", "Success")

    assert tenant.kubectl("diff", "-f", "-", input=wanted) == ""
    said = tenant.kubectl("apply", "-f", "-", input=wanted).splitlines()

    assert [line.rpartition(" ")[2] for line in said] == ["unchanged"] * 3
    kinds = ("tj/night", "dicomserver/source", "dicomserver/destination")
    assert [tenant.read(one)["metadata"]["generation"] for one in kinds] == [1, 1, 1]
    assert tenant.destination.received == 4


def test_what_other_tools_write_on_our_objects_survives(tenant: Resident) -> None:
    """Labels, annotations and server-side applied verbs; the operator owns nothing outside the status."""
    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=0.2)
    tenant.job("night", tenant.load("a", "b"), parallelism=1)
    tenant.until("night", "the first instance has arrived", lambda: tenant.arrived)

    tenant.kubectl("label", "tj,dicomserver,taskset", "--all", "example.org/team=night", "--field-manager=tagger")
    tenant.kubectl("annotate", "tj/night", "example.org/note=see ticket", "--field-manager=tagger")
    applied = manifests.resource("TransferJob", "night", {"priority": 200})
    applied["metadata"]["labels"] = {"example.org/owner": "flux"}
    words = ("apply", "--server-side", "--field-manager=flux", "--force-conflicts", "-f", "-")
    tenant.kubectl(*words, input=json.dumps(applied))
    tenant.wait_for_phase("night", "Success")

    job = tenant.read("tj", "night", "--show-managed-fields")
    assert job["metadata"]["labels"] == {"example.org/team": "night", "example.org/owner": "flux"}
    assert job["metadata"]["annotations"]["example.org/note"] == "see ticket"
    assert job["spec"]["priority"] == 200
    assert "flux" in managers(job, "spec")
    assert managers(job, "status").isdisjoint({"flux", "tagger"})
    assert managers(job, "status").isdisjoint(managers(job, "spec") | managers(job, "metadata"))
    for kind in ("dicomserver", "taskset"):
        assert {one["metadata"]["labels"]["example.org/team"] for one in tenant.read(kind)["items"]} == {"night"}
    assert tenant.arrived == tenant.expected
