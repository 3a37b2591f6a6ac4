"""Argo CD's health checks and actions, run by a real Lua on what the operator really writes."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from adit.api.immutability import violations
from adit.api.resource import TransferJob
from tests.gitops.argocd_cm import TARGET, rendered
from tests.gitops.lua import SCRIPTS, acted, actions, health
from tests.gitops.samples import samples

Sample = Callable[[str], dict[str, Any]]


HEALTH = [
    ("transferjob-new", "Progressing"),
    ("transferjob-planned", "Progressing"),
    ("transferjob-waiting", "Progressing"),
    ("transferjob-in-progress", "Progressing"),
    ("transferjob-suspending", "Progressing"),
    ("transferjob-suspended", "Suspended"),
    ("transferjob-resume-requested", "Progressing"),
    ("transferjob-success", "Healthy"),
    ("transferjob-success-then-edited", "Progressing"),
    ("transferjob-success-then-edited-and-seen", "Healthy"),
    ("transferjob-warning", "Healthy"),
    ("transferjob-failure", "Degraded"),
    ("transferjob-retry-requested", "Progressing"),
    ("transferjob-retry-opened", "Progressing"),
    ("transferjob-retry-refused", "Degraded"),
    ("transferjob-canceling", "Progressing"),
    ("transferjob-canceled", "Degraded"),
    ("transferjob-stalled-server-not-found", "Degraded"),
    ("transferjob-stalled-access-denied", "Degraded"),
    ("transferjob-stalled-peer-refused", "Degraded"),
    ("dicomserver-new", "Healthy"),
    ("dicomserver-reachable", "Healthy"),
    ("dicomserver-changed", "Healthy"),
    ("dicomserver-unknown", "Healthy"),
    ("dicomserver-unreachable", "Degraded"),
    ("dicomserver-paused", "Suspended"),
    ("dicomfolder-new", "Healthy"),
    ("taskset-new", "Progressing"),
    ("taskset-claimed", "Progressing"),
    ("taskset-ended", "Progressing"),
    ("taskset-finished", "Healthy"),
]


@pytest.mark.parametrize(("name", "expected"), HEALTH)
def test_the_health_of_each_state(sample: Sample, name: str, expected: str) -> None:
    assert health(sample(name))[0] == expected


def test_every_sample_has_a_health_that_is_expected_above() -> None:
    assert {f"{name}.yaml" for name, _ in HEALTH} == set(samples())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("transferjob-waiting", "pacs has no free slot"),
        ("transferjob-failure", "Failure: 1 succeeded, 1 failed of 2 tasks"),
        ("transferjob-stalled-server-not-found", "ServerMissing: "),
        ("transferjob-success-then-edited", "waits for the operator to see the change"),
        ("dicomserver-unreachable", "PeerUnavailable: pacs cannot be reached: connection refused"),
        ("taskset-ended", "the last runner ended: PeerUnavailable"),
    ],
)
def test_the_message_says_why(sample: Sample, name: str, said: str) -> None:
    assert said in health(sample(name))[1]


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("transferjob-new", {"suspend", "cancel"}),
        ("transferjob-in-progress", {"suspend", "cancel"}),
        ("transferjob-suspended", {"resume", "cancel"}),
        ("transferjob-canceling", set()),
        ("transferjob-success", set()),
        ("transferjob-warning", {"retry"}),
        ("transferjob-failure", {"retry"}),
        ("transferjob-canceled", {"retry"}),
    ],
)
def test_only_the_verbs_that_make_sense_are_offered(sample: Sample, name: str, offered: set[str]) -> None:
    assert actions(sample(name)) == offered


@pytest.mark.parametrize(
    ("name", "action", "field", "value"),
    [
        ("transferjob-in-progress", "suspend", "suspend", True),
        ("transferjob-suspended", "resume", "suspend", False),
        ("transferjob-in-progress", "cancel", "shutdown", "Graceful"),
    ],
)
def test_an_action_changes_its_verb_and_nothing_else(
    sample: Sample, name: str, action: str, field: str, value: object
) -> None:
    before, changed = sample(name), acted(action, sample(name))
    assert changed["spec"][field] == value
    assert {**changed["spec"], field: None} == {**_without_empty(before["spec"]), field: None}


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("transferjob-failure", "FailedAndWarned"),
        ("transferjob-warning", "FailedAndWarned"),
        ("transferjob-canceled", "Canceled"),
    ],
)
def test_a_retry_opens_a_round_that_the_api_allows(sample: Sample, name: str, scope: str) -> None:
    changed = acted("retry", sample(name))
    job = TransferJob.of({**sample(name), "spec": changed["spec"]})
    assert job.spec.retry is not None
    assert job.spec.retry.scope == scope
    assert job.spec.retry.token.startswith("argocd-2")
    assert job.spec.shutdown is None
    before = TransferJob.of(sample(name)).manifest()["spec"]
    assert violations("TransferJob", before, job.manifest()["spec"]) == []


def test_the_configmap_holds_the_scripts_as_they_are() -> None:
    assert TARGET.read_text("utf-8") == rendered(), "say `python -m tests.gitops.argocd_cm`"
    data = yaml.safe_load(rendered())["data"]
    folder = SCRIPTS / "TransferJob"
    assert data["resource.customizations.health.adit.dev_TransferJob"] == (folder / "health.lua").read_text()
    told = yaml.safe_load(data["resource.customizations.actions.adit.dev_TransferJob"])
    assert told["discovery.lua"] == (folder / "actions/discovery.lua").read_text()
    assert {one["name"] for one in told["definitions"]} == {"suspend", "resume", "cancel", "retry"}


def _without_empty(value: Any) -> Any:
    """As Lua gives it back: an empty table is an empty list."""
    if isinstance(value, dict):
        return {key: _without_empty(one) for key, one in value.items()}
    return [_without_empty(one) for one in value] if isinstance(value, list) else value
