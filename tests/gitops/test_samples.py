"""The kept statuses are those that the operator writes, and every state has one."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

from adit.api.resource import DicomFolder, DicomServer, TaskSet, TransferJob
from adit.api.transfer_job import Phase
from tests.gitops.samples import FOLDER, samples, text_of

READ = {"TransferJob": TransferJob, "DicomServer": DicomServer, "DicomFolder": DicomFolder, "TaskSet": TaskSet}


def test_the_kept_samples_are_those_that_the_operator_makes() -> None:
    made = {name: text_of(manifest) for name, manifest in samples().items()}
    kept = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.yaml")}
    changed = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert changed == [], "say `python -m tests.gitops.samples`, and look at what changed for GitOps tools"


def test_there_is_a_sample_of_every_phase() -> None:
    phases = {(manifest.get("status") or {}).get("phase") for manifest in samples().values()}
    assert set(get_args(Phase)) <= phases


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_sample_is_an_object_that_the_api_takes(path: Path) -> None:
    manifest = yaml.safe_load(path.read_text("utf-8"))
    assert READ[manifest["kind"]].of(manifest).metadata.name
