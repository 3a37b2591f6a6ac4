"""What `kubectl describe` shows of a job and of its servers, while an operator works, and after it started anew."""

from typing import Any

import pytest

from adit.testing import patients
from tests.end_to_end.tenant import until
from tests.end_to_end.ward import Ward

pytestmark = pytest.mark.cluster


def events(ward: Ward, name: str) -> list[dict[str, Any]]:
    """The operator's events about one of our objects, oldest first."""
    found = ward.read("events.events.k8s.io")["items"]
    own = [one for one in found if one["regarding"]["name"] == name and one.get("reportingController")]
    return sorted(own, key=lambda one: str(one["eventTime"]))


def reasons(ward: Ward, name: str) -> list[str]:
    return [one["reason"] for one in events(ward, name)]


def test_describe_tells_a_job_from_its_plan_to_its_end_and_names_no_patient(ward: Ward) -> None:
    [study] = ward.load("a", instances=2)
    ward.operator()
    ward.job("night", [study], suspend=True)
    ward.until("night", "it is suspended", lambda: "Suspended" in reasons(ward, "night"))
    ward.patch("night", suspend=False)
    ward.wait_for_phase("night", "Success")
    ward.until("night", "its end is told", lambda: "Complete" in reasons(ward, "night"))

    described = ward.kubectl("describe", "tj/night").partition("\nEvents:")[2]

    told = reasons(ward, "night")
    assert sorted(told) == ["Admitted", "Complete", "Planned", "Resumed", "Suspended"]
    assert told[-1] == "Complete"
    for word in (*told, "Success: 1 succeeded of 1 tasks", "1 tasks in 1 task sets", "adit.dev/operator"):
        assert word in described
    for secret in (patients.PLAIN.patient_id, study.study_instance_uid):
        assert secret not in described


def test_describe_tells_that_a_server_is_away_and_back_and_a_new_operator_tells_nothing_twice(ward: Ward) -> None:
    ward.apply(*ward.servers())
    quick = {"ADIT_PROBE_SECONDS": "1", "ADIT_REACHABLE_SECONDS": "1"}
    operator = ward.operator(**quick)
    until("the server answers", lambda: reasons(ward, "source") == ["Reachable"])
    ward.kubernetes.unpublish(ward.source.port)
    until("the outage is told", lambda: reasons(ward, "source") == ["Reachable", "Unreachable"])
    ward.publish(ward.source.port)
    until("its end is told", lambda: reasons(ward, "source") == ["Reachable", "Unreachable", "Reachable"])
    before = ward.read("dicomserver", "source")["status"]["lastProbeTime"]
    assert operator.end() == 0

    ward.operator(**quick)
    until("a new one asks", lambda: ward.read("dicomserver", "source")["status"]["lastProbeTime"] > before)

    assert [one["type"] for one in events(ward, "source")] == ["Normal", "Warning", "Normal"]
    described = ward.kubectl("describe", "dcmsrv/source").partition("\nEvents:")[2]
    assert described.count("Unreachable") == 1
    assert "True" in ward.kubectl("get", "dcmsrv", "source")
