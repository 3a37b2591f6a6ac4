"""Each part of the operator's numbers once at its smallest, so that the measurements cannot rot unseen."""

import re
from pathlib import Path

import pytest

from benchmarks.control.command import main
from benchmarks.control.parts import PARTS, QUICK, Around, Part, Scale, measured
from tests.cluster.access import Kubernetes

EMBEDDED = [part for part in PARTS if not part.needs_kubernetes]
ON_KUBERNETES = [part for part in PARTS if part.needs_kubernetes]


def told(text: str, what: str) -> str:
    """The cell behind a fact."""
    [line] = [line for line in text.splitlines() if line.startswith(f"| {what}")]
    return line.split("|")[3].strip()


def check(part: Part, text: str) -> None:
    if part.name.startswith("first-image"):
        steps = [line.split("|")[1].strip() for line in text.splitlines()[2:]]
        assert {"accepted", "planned", "TaskSet made", "Job made", "claimed"} < set(steps)
        assert steps[-1] == "first image stored"
    elif part.name.startswith("many-jobs"):
        assert told(text, "runners at work").endswith(f"for {QUICK.jobs} jobs")
        assert told(text, "operator: reconciles that failed") == "none"
    else:
        assert told(text, "status exact at every sample").endswith("0 wrong")
        assert re.search(r"phase (Success|Failure)$", told(text, "worked"))


@pytest.mark.parametrize("part", EMBEDDED, ids=lambda part: part.name)
async def test_a_part_is_measured_on_the_embedded_cluster(part: Part) -> None:
    check(part, await measured(part, Around(QUICK)))


@pytest.mark.cluster
@pytest.mark.parametrize("part", ON_KUBERNETES, ids=lambda part: part.name)
async def test_a_part_is_measured_on_kubernetes(
    part: Part, kubernetes: Kubernetes, namespace: str, adit_images: dict[str, str], project: Path
) -> None:
    kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(project / "crds"))
    around = Around(QUICK, kubernetes, namespace, tuple(adit_images.items()))
    check(part, await measured(part, around))


def test_the_command_says_which_machine_it_was_and_how_busy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "many-jobs"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("machine: ")
    assert "### 3 jobs at once, embedded" in printed
    assert re.search(r"load [0-9.]+ before, [0-9.]+ after", printed)


def test_the_default_sizes_are_those_that_are_promised() -> None:
    scale = Scale()
    assert (scale.tasks_embedded, scale.tasks_kubernetes, scale.jobs) == (100_000, 10_000, 200)
    assert scale.runs >= 5
