"""Definitions that a living release owns are not taken from it by tests on somebody else's cluster."""

import json
from pathlib import Path

import pytest

from tests.charts.plugin import owner_of_definitions
from tests.cluster.access import Kubernetes

OWNED = {"annotations": {"meta.helm.sh/release-name": "adit", "meta.helm.sh/release-namespace": "production"}}


def cluster(folder: Path, definition: str, secrets: str) -> Kubernetes:
    """A kubectl that answers this for the definition, and that for Helm's Secrets."""
    (folder / "definition").write_text(definition)
    (folder / "secrets").write_text(secrets)
    kubectl = folder / "kubectl"
    kubectl.write_text(f'#!/bin/sh\ncase "$*" in *" crd "*) cat {folder}/definition;; *) cat {folder}/secrets;; esac\n')
    kubectl.chmod(0o755)
    return Kubernetes(folder / "kubeconfig", kubectl, lambda _: None)


@pytest.mark.parametrize(
    ("definition", "secrets", "owner"),
    [
        ("", "", ""),
        (json.dumps({"metadata": {}}), "", ""),
        (json.dumps({"metadata": OWNED}), "", ""),
        (json.dumps({"metadata": OWNED}), "secret/sh.helm.release.v1.adit.v3\n", "production/adit"),
    ],
)
def test_definitions_belong_to_a_release_that_is_still_installed(
    tmp_path: Path, definition: str, secrets: str, owner: str
) -> None:
    assert owner_of_definitions(cluster(tmp_path, definition, secrets)) == owner
