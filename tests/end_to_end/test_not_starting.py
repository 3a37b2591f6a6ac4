"""Runners whose pods never start: their job says so, names a command that shows why, and can be canceled."""

import re
import shlex

import pytest

from adit_cli.testing import manifests
from tests.end_to_end.release import Resident

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]  # nobody is told in the first minute and a half
MISSING = "no-such-claim"


def test_a_runner_without_its_volume_is_told_and_shown_and_leaves_when_its_job_is_canceled(tenant: Resident) -> None:
    folder = manifests.resource("DicomFolder", "research", {"volume": {"claimName": MISSING}})
    tenant.apply(folder)
    tenant.job("night", tenant.load("a"), destination={"kind": "DicomFolder", "name": "research"})

    def reason() -> str:
        return str(tenant.condition("night", "Admitted").get("reason"))

    tenant.until("night", "it is told", lambda: reason() == "RunnerNotStarting", seconds=150)
    command = re.search(r"kubectl (describe .+-l \S+)", tenant.status("night")["message"])
    assert command is not None
    assert f'persistentvolumeclaim "{MISSING}" not found' in tenant.kubernetes.kubectl(*shlex.split(command[1]))

    tenant.patch("night", shutdown="Immediate")

    tenant.wait_for_phase("night", "Canceled")
    assert tenant.release.jobs_of(tenant.namespace) == []
    assert tenant.task_sets("night")[0]["status"]["verdict"].get("crashes", 0) == 0
