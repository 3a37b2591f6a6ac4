"""Two operators of which one decides: the other stands by, and takes over from one that is killed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.rights import account
from tests.end_to_end.tenant import until
from tests.end_to_end.ward import OperatorProcess, Ward, status_of, text_of

pytestmark = pytest.mark.cluster

LEASE = "adit-operator"


class Candidate:
    """One operator of several in a ward, with ports and a log of its own."""

    def __init__(self, ward: Ward, name: str, *, health_port: int, metrics_port: int, **given: str) -> None:
        self.name, self._ward = name, ward
        self._health_port, self._metrics_port = health_port, metrics_port
        more = {
            "ADIT_LEADER_ELECTION": "true",
            "POD_NAME": name,
            "ADIT_HEALTH_PORT": str(health_port),
            "ADIT_METRICS_PORT": str(metrics_port),
        }
        log = ward.folder / f"{name}.log"
        self.process = OperatorProcess({**ward.environment, **more, **given}, log, ward.kubernetes.entering())
        ward.started.append(self.process)

    @property
    def leads(self) -> bool:
        return "adit_operator_leader 1.0" in self._at(f"http://127.0.0.1:{self._metrics_port}/metrics")

    @property
    def healthy(self) -> bool:
        url = f"http://127.0.0.1:{self._health_port}/healthz"
        return bool(self._ward.kubernetes.in_network(lambda: status_of(url)) == 200)

    @property
    def stands_by(self) -> bool:
        return "standsBy" in self._at(f"http://127.0.0.1:{self._health_port}/healthz")

    def _at(self, url: str) -> str:
        def text() -> str:
            return text_of(url) if status_of(url) == 200 else ""

        return str(self._ward.kubernetes.in_network(text))

    def lines(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.process.log.read_text().splitlines()]


def candidates(ward: Ward, *names: str, **second: str) -> list[Candidate]:
    """One after the other, so that the first one leads; `second` is given to those after it."""
    started: list[Candidate] = []
    for number, name in enumerate(names):
        health, metrics = ward.health_port + 10 * number, ward.metrics_port + 10 * number
        given = second if number else {}
        started.append(Candidate(ward, name, health_port=health, metrics_port=metrics, **given))
        if number == 0:
            until("the first one leads", lambda: started[0].leads)
    return started


def holder(ward: Ward) -> str:
    return str(ward.read("lease", LEASE)["spec"].get("holderIdentity", ""))


def test_when_the_leader_is_killed_in_mid_job_the_other_one_brings_it_to_its_end(ward: Ward) -> None:
    studies = ward.load("a", "b", "c")
    ward.destination.faults = replace(ward.destination.faults, delay_per_instance=0.5)
    first, second = candidates(ward, "first", "second")
    until("the second one stands by", lambda: second.stands_by)
    ward.job("night", studies, parallelism=1)
    ward.until("night", "the first instance has arrived", lambda: ward.arrived)
    assert (first.leads, second.leads, second.healthy) == (True, False, True)
    assert holder(ward).startswith("first_")

    first.process.kill()
    until("the second one leads", lambda: second.leads)
    ward.wait_for_phase("night", "Success")

    assert ward.arrived == ward.expected
    assert holder(ward).startswith("second_")
    assert second.lines()[0] == "the operator stands by"
    assert (second.healthy, second.stands_by) == (True, False)
    assert second.process.end() == 0
    assert holder(ward) == ""


def test_a_leader_that_lost_its_lease_ends_at_once_and_says_so(ward: Ward) -> None:
    [only] = candidates(ward, "only")
    stolen = {"spec": {"holderIdentity": "somebody-else", "leaseTransitions": 9}}
    ward.kubectl("patch", "lease", LEASE, "--type=merge", "-p", json.dumps(stolen))

    until("it has ended", lambda: not only.process.runs, seconds=20)

    assert only.process.end() == 3
    assert only.lines()[-1] == "the operator ends: it does not lead any more"
    assert holder(ward) == "somebody-else"


def allowed_to_look_for_a_leader_only(ward: Ward) -> str:
    """The kubeconfig of an account that may not write anything, the Lease included."""
    rule = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["list"]}
    ward.apply(*account("onlooker", rule))
    config = yaml.safe_load(Path(ward.environment["KUBECONFIG"]).read_text())
    token = ward.kubectl("create", "token", "onlooker").strip()
    config["users"] = [{"name": one["name"], "user": {"token": token}} for one in config["users"]]
    path = ward.folder / "onlooker.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


def test_who_stands_by_ends_in_good_order_and_writes_nothing(ward: Ward) -> None:
    first, second = candidates(ward, "first", "second", KUBECONFIG=allowed_to_look_for_a_leader_only(ward))
    until("the second one stands by", lambda: second.stands_by)
    ward.apply(*ward.servers())
    until("the first one works", lambda: ward.read("dicomserver", "source").get("status"))
    assert second.process.end() == 0
    assert first.leads
    assert second.lines() == ["the operator stands by", "the operator ends while it stands by, as it was asked to"]


def test_operators_of_two_installations_in_one_namespace_do_not_wait_for_each_other(ward: Ward) -> None:
    """Each works namespaces of its own, so each decides."""
    first, second = candidates(ward, "first", "second", ADIT_LEASE_NAME="clinic-adit-operator")
    until("the second one leads as well", lambda: second.leads)
    assert first.leads
    assert str(ward.read("lease", "clinic-adit-operator")["spec"]["holderIdentity"]).startswith("second_")
