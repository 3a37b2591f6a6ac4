"""An upgrade of the chart in mid-job: the operator is replaced, who runs keeps its image, and the job ends well."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.cluster import images, packed
from tests.cluster.archive import write
from tests.cluster.plugin import way
from tests.end_to_end.faults import LABELS, all_there_once, runner_pods, under_way
from tests.end_to_end.release import OPERATOR, Release, Resident

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]  # with the packing of images, and two upgrades
TAG = "next"


@pytest.fixture(scope="module")
def next_build(release: Release, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Images of the same tree that tell which build they are, loaded; the arguments that choose them."""
    if way(request.config) == "current":
        pytest.skip("a second build can be loaded into the local cluster and kind only")
    archive = tmp_path_factory.mktemp("next") / "next.tar"
    made = packed.images({program: images.name_of(program, TAG) for program in images.PROGRAMS})
    write([replace(one, environment={**one.environment, "ADIT_BUILD": TAG}) for one in made], archive)
    release.kubernetes.load_image(archive)
    return [word for program in images.PROGRAMS for word in ("--set", f"images.{program}.tag={TAG}")]


@pytest.fixture
def back(release: Release) -> Iterator[None]:
    """The build of before, for the tests that follow."""
    yield
    release.upgrade()


@pytest.mark.usefixtures("back")
def test_a_job_outlives_an_upgrade(tenant: Resident, release: Release, next_build: list[str]) -> None:
    [former] = release.pods(OPERATOR)
    under_way(tenant, delay=6.0)
    [running] = runner_pods(tenant)

    release.upgrade(*next_build)

    [operator] = release.pods(OPERATOR)
    assert operator["metadata"]["uid"] != former["metadata"]["uid"]
    assert image_of(operator).endswith(f":{TAG}")
    assert not image_of(former).endswith(f":{TAG}")
    all_there_once(tenant)
    ran = release.jobs_of(tenant.namespace)
    assert len(ran) == len(LABELS)  # nobody was interrupted
    first = next(one for one in ran if running.startswith(one["metadata"]["name"]))
    others = [one for one in ran if one is not first]
    assert not image_of(first["spec"]["template"]).endswith(f":{TAG}")
    assert {image_of(one["spec"]["template"]).rpartition(":")[2] for one in others} == {TAG}


def image_of(pod: Any) -> str:
    [container] = pod["spec"]["containers"]
    return str(container["image"])
