"""Every right that the programs are given is needed: without it something is refused, and with all of them nothing."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from adit.testing.pacs import LoopbackPacs
from tests.charts.helm import Helm
from tests.cluster.access import Kubernetes
from tests.end_to_end.play import refusal_on
from tests.end_to_end.rights import OWN_SET, PAGE, WATCHED, Right, account, rights_of, rights_of_page, rules_of
from tests.end_to_end.rights import RUNNERS as AMONG_RUNNERS
from tests.end_to_end.stage import Stage
from tests.end_to_end.tenant import until
from tests.end_to_end.ward import RUNNER, Ward

pytestmark = pytest.mark.cluster

OPERATORS = [one for one in rights_of_page(PAGE) if one.where != OWN_SET]
RUNNERS = [one for one in rights_of_page(PAGE) if one.where == OWN_SET]
AT_ONCE = 3
Played = Callable[[Right | None], Future[str]]


@pytest.fixture(scope="module")
def played(kubernetes: Kubernetes, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """The refusal that an operator meets which lacks one right; some play at once, on stages of their own."""
    kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(project / "crds"))
    folder = tmp_path_factory.mktemp("rights")
    started: dict[Right | None, Future[str]] = {}
    with (
        LoopbackPacs(folder / "source", "SOURCE") as source,
        LoopbackPacs(folder / "destination", "DESTINATION") as destination,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):

        def run(lacking: Right | None) -> str:
            name = f"test-{uuid.uuid4().hex[:8]}"
            stage = Stage(kubernetes, name, f"{name}-runners", source, destination, folder)
            try:
                stage.build(one for one in OPERATORS if one != lacking)
                return asyncio.run(refusal_on(stage))
            finally:
                stage.clear()

        def start(lacking: Right | None) -> Future[str]:
            if lacking not in started:
                started[lacking] = pool.submit(run, lacking)
            return started[lacking]

        try:
            yield start
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def test_the_chart_gives_the_documented_rights_and_no_others(helm: Helm) -> None:
    made = helm.render("--set", "watchNamespaces={tenant}", "--set", "rbac.people=false", namespace="adit")
    roles = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["rules"] for one in made if one["kind"] == "Role"
    }
    given = {
        WATCHED: roles.pop(("tenant", "adit-operator")),
        AMONG_RUNNERS: roles.pop(("adit", "adit-operator-runners")),
        OWN_SET: roles.pop(("tenant", "adit-runner")),
    }
    assert roles == {}
    rights = sorted(right for where, rules in given.items() for right in rights_of(where, rules))
    assert rights == sorted(rights_of_page(PAGE))
    assert not [one for one in made if one["kind"] == "ClusterRole"]


def test_with_all_its_rights_an_operator_is_refused_nothing(played: Played) -> None:
    assert played(None).result() == ""


@pytest.mark.parametrize("right", OPERATORS, ids=str)
def test_an_operator_that_lacks_one_right_is_refused_something(
    played: Played, kubernetes: Kubernetes, right: Right
) -> None:
    place = OPERATORS.index(right)
    for one in OPERATORS[place : place + AT_ONCE]:
        played(one)
    refusal = played(right).result()
    if not refusal and right.resource.endswith("/finalizers") and kubernetes.node is None:
        pytest.skip("this cluster does not demand it: its OwnerReferencesPermissionEnforcement is off")
    assert refusal, f"nothing needs it: {right}"


@pytest.mark.parametrize("right", RUNNERS, ids=str)
def test_a_runner_that_lacks_one_right_is_refused_something(ward: Ward, right: Right) -> None:
    ward.apply(*account(RUNNER, *rules_of(one for one in RUNNERS if one != right)))
    ward.operator()
    ward.job("night", ward.load("a", instances=1))

    until("a runner has failed", lambda: failed(ward))

    assert "Forbidden" in ward.kubectl("logs", failed(ward)[0])
    assert ward.arrived == set()


def failed(ward: Ward) -> list[str]:
    return [one["metadata"]["name"] for one in ward.read("pods")["items"] if one["status"]["phase"] == "Failed"]
