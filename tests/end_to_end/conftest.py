"""A ward for each test: a namespace, two PACS, and the program to start."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from adit.testing.pacs import LoopbackPacs
from tests.cluster.access import Kubernetes
from tests.end_to_end.rights import account, documented_rights
from tests.end_to_end.ward import RUNNER, Ward, ended


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@pytest.fixture
def ward(
    kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str], project: Path, tmp_path: Path
) -> Iterator[Ward]:
    kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(project / "crds"))
    with (
        LoopbackPacs(tmp_path / "source", "SOURCE") as source,
        LoopbackPacs(tmp_path / "destination", "DESTINATION") as destination,
    ):
        made = Ward(kubernetes, namespace, source, destination, adit_images, tmp_path, free_port(), free_port())
        made.apply(*account(RUNNER, *documented_rights(project / "docs/operator-rights.md", "## Runner")))
        with ended(made):
            yield made
