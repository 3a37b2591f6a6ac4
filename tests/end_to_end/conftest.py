"""Whom a test acts as: a tenant of the chart that is installed once, or a ward with an operator of its own."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adit.testing.pacs import LoopbackPacs
from tests.charts.helm import Helm
from tests.cluster.access import Kubernetes
from tests.end_to_end.release import Release, Resident, installed
from tests.end_to_end.rights import account, documented_rights
from tests.end_to_end.ward import RUNNER, Ward, ended

MOST = 90  # namespaces that one release watches


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who comes first waits for the images and for the installation, too."""
    for item in items:
        if "release" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(300))
            return


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@pytest.fixture(scope="session")
def release(
    request: pytest.FixtureRequest,
    helm: Helm,
    kubernetes: Kubernetes,
    adit_images: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Release]:
    """The chart as people install it, with policies, in a namespace of the level `restricted`; tests share it.

    Its tenants are new namespaces, as many as this session's tests take, so that it meets nobody else's jobs.
    """
    asked = [(item, getattr(item, "fixturenames", ())) for item in request.session.items]
    alone = sum("tenant" in names for _, names in asked)
    # what a module takes for several of its tests; one that takes more than one namespace says how many
    shared = {
        item.path: getattr(getattr(item, "module", None), "TENANTS", 1) for item, names in asked if "release" in names
    }
    tenants = min(MOST, alone + sum(shared.values()))
    with installed(helm, kubernetes, adit_images, tmp_path_factory.mktemp("release"), tenants) as made:
        yield made


def resident(release: Release, folder: Path, opened: ExitStack) -> Resident:
    """The next tenant of the pool, with two empty PACS."""
    source = opened.enter_context(LoopbackPacs(folder / "source", "SOURCE"))
    destination = opened.enter_context(LoopbackPacs(folder / "destination", "DESTINATION"))
    made = Resident(release.kubernetes, release.pool.pop(), source, destination, folder, release)
    opened.callback(made.unpublish)
    return made


@pytest.fixture
def tenant(release: Release, tmp_path: Path) -> Iterator[Resident]:
    """A namespace of the test's own, whose jobs the installed chart works, with two empty PACS."""
    with ExitStack() as opened:
        yield resident(release, tmp_path / "tenant", opened)


@pytest.fixture
def ward(
    kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str], project: Path, tmp_path: Path
) -> Iterator[Ward]:
    kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(project / "crds"))
    with (
        LoopbackPacs(tmp_path / "source", "SOURCE") as source,
        LoopbackPacs(tmp_path / "destination", "DESTINATION") as destination,
    ):
        made = Ward(kubernetes, namespace, source, destination, tmp_path, adit_images, free_port(), free_port())
        made.apply(*account(RUNNER, *documented_rights(project / "docs/operator-rights.md", "## Runner")))
        with ended(made):
            yield made
