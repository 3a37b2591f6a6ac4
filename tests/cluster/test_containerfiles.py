"""The Containerfiles, built with buildah on a stand-in for the official Python image, and run."""

from pathlib import Path

import pytest

from tests.cluster import images
from tests.cluster.access import Kubernetes
from tests.cluster.images import Builder
from tests.cluster.pods import pod, run

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]
LOOK = """
import importlib.metadata, os, pathlib, shutil
print(os.getuid())
print(*sorted(distribution.name.lower() for distribution in importlib.metadata.distributions()))
print(*(name for name in ("cc", "gcc", "g++", "make", "go", "pip") if shutil.which(name, path="/opt/adit/bin")))
print(*(name for name in ("cc", "gcc", "g++", "make", "go") if shutil.which(name)))
print(pathlib.Path("/etc/pip.conf").exists() or pathlib.Path("/run/secrets/authority").exists())
import adit_PROGRAM
"""


@pytest.fixture(scope="session")
def builder() -> Builder:
    return images.require_builder()


@pytest.mark.parametrize("program", images.PROGRAMS)
def test_a_built_image_runs_without_rights_compiler_pip_or_what_it_was_built_with(
    kubernetes: Kubernetes, namespace: str, builder: Builder, tmp_path: Path, program: str
) -> None:
    out = tmp_path / "image.tar"
    name = images.build(program, builder, images.STAND_IN, out, tag="built")
    kubernetes.load_image(out)

    code = LOOK.replace("PROGRAM", program)
    printed = run(kubernetes, namespace, pod("look", name, ["/opt/adit/bin/python", "-c", code]))

    user, installed, beside, compilers, secrets = printed.splitlines()
    assert (user, beside, compilers, secrets) == ("10001", "", "", "False")
    assert ("kopf" in installed.split()) == (program == "operator")
    assert not {"hatchling", "pytest", "uv"} & set(installed.split())
