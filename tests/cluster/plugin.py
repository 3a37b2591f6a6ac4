"""pytest's side of it: `--cluster=local|kind|current`, and the fixtures `kubernetes`, `namespace` and `adit_images`.

Loaded by tests/conftest.py. Without the option, tests that need a cluster are skipped on a person's machine; with
CI=true they run on the local one. `kind` is pytest-kind's cluster, made by the kind and kubectl that are installed.
"""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import binary, images, local
from tests.cluster.access import Kubernetes, import_archive
from tests.cluster.progress import ClusterError

WAYS = ("local", "kind", "current")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cluster",
        choices=WAYS,
        help="where tests that need Kubernetes run: a node on this machine (root), kind, or the current kubeconfig",
    )


def way(config: pytest.Config) -> str | None:
    """The kind of cluster that was asked for; None when such tests are skipped."""
    asked: str | None = config.getoption("--cluster")
    return asked or ("local" if os.environ.get("CI") == "true" else None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "cluster: needs a Kubernetes; see --cluster")
    if way(config) == "kind":
        kind, kubectl = shutil.which("kind"), shutil.which("kubectl")
        # What pytest-kind would download cannot make a current Kubernetes.
        config.option.kind_bin = config.getoption("kind_bin") or kind
        config.option.kind_kubectl_bin = config.getoption("kind_kubectl_bin") or kubectl
        if not (config.option.kind_bin and config.option.kind_kubectl_bin):
            raise pytest.UsageError(
                "--cluster=kind needs the programs kind and kubectl; at least one is not installed."
            )


def needs_cluster(item: pytest.Item) -> bool:
    return item.get_closest_marker("cluster") is not None or "kubernetes" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if way(config) is None:
        reason = "needs a Kubernetes: --cluster=local (root), --cluster=kind or --cluster=current"
        for item in filter(needs_cluster, items):
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what takes minutes here, where no test's time-out runs and its progress can be seen."""
    if way(session.config) != "local" or session.config.option.collectonly:
        return
    if any(map(needs_cluster, session.items)):
        try:
            local.prepare()
        except ClusterError as error:
            raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
def kubernetes(request: pytest.FixtureRequest) -> Iterator[Kubernetes]:
    """The cluster of this session. A local one that ran before is shared and left running."""
    match way(request.config):
        case "local":
            brought = local.up(keep=False)
            at = brought.node
            try:
                yield Kubernetes(at.kubeconfig, at.programs / "kubectl", lambda tar: import_archive(at, tar), at)
            finally:
                if brought.started:
                    local.down(at)
        case "kind":
            yield of_kind(request.getfixturevalue("kind_cluster"), request.config)
        case "current":
            yield current()
        case _:
            pytest.skip("needs a Kubernetes: see --cluster")


def of_kind(cluster: object, config: pytest.Config) -> Kubernetes:
    kind, name = config.option.kind_bin, config.getoption("cluster_name")

    def load(archive: Path) -> None:
        subprocess.run([kind, "load", "image-archive", str(archive), "--name", name], check=True)

    kubeconfig: Path = getattr(cluster, "kubeconfig_path")  # noqa: B009 - pytest-kind ships no types
    return Kubernetes(kubeconfig.resolve(), Path(config.option.kind_kubectl_bin), load)


def current() -> Kubernetes:
    kubectl = shutil.which("kubectl")
    kubeconfig = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    if kubectl is None:
        programs = binary.home()
        if not binary.is_built(programs):
            pytest.fail("--cluster=current needs the program kubectl, which is not installed.")
        kubectl = str(programs / "kubectl")
    if not kubeconfig.exists():
        pytest.fail(f"--cluster=current needs a kubeconfig; there is none at {kubeconfig}. Set KUBECONFIG.")

    def load(archive: Path) -> None:
        pytest.fail(f"{archive.name} cannot be loaded into this cluster: push the image where the cluster pulls from.")

    return Kubernetes(kubeconfig, Path(kubectl), load)


@pytest.fixture
def namespace(kubernetes: Kubernetes) -> Iterator[str]:
    """A namespace of the test's own, of the PodSecurity level `restricted`; its deletion is not waited for."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubernetes.kubectl("create", "namespace", name)
    kubernetes.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield name
    finally:
        kubernetes.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def adit_images(kubernetes: Kubernetes, request: pytest.FixtureRequest) -> dict[str, str]:
    """The names of the programs' images, by program, loaded where the cluster can run them."""
    if way(request.config) != "current":
        kubernetes.load_image(images.packed_archive())
    return {program: images.name_of(program) for program in images.PROGRAMS}
