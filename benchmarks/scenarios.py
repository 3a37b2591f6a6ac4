"""What is measured: scenarios as values, and the loop that repeats their variants in turn.

Variants are interleaved, so that a busy minute of the machine falls on all of them, and each repetition starts with
another one. Every repetition starts from an empty destination and counts only if everything arrived there.
"""

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from adit.testing.programs import Storescp
from benchmarks.peers import Destination, OrthancPeer, StorescpPeer, start_orthanc
from benchmarks.processes import busy_seconds, cpu_seconds, own_cpu_seconds
from benchmarks.samples import Result, Row, Sample
from benchmarks.studies import CT_ROWS, SMALL_ROWS, StudyFiles, write_clip, write_slices
from benchmarks.variants import Cost, Move, Variant, adit_run, dcmtk, pipeline

Kind = Literal["ct", "small", "clip"]
VARIANTS: Final[dict[str, Variant]] = {"dcmtk": dcmtk, "pipeline": pipeline, "adit run": adit_run}
_MAX_FRAMES: Final = 400


@dataclass(frozen=True, slots=True)
class Scenario:
    """Studies of one kind to one destination; `tcp_nodelay` as the peers and dcmtk are started."""

    name: str
    kind: Kind
    destination: Literal["Orthanc", "storescp"]
    tcp_nodelay: bool
    variants: tuple[str, ...] = tuple(VARIANTS)


SCENARIOS: Final = (
    Scenario("ct-orthanc", "ct", "Orthanc", tcp_nodelay=True),
    Scenario("ct-storescp", "ct", "storescp", tcp_nodelay=True),
    Scenario("clip-orthanc", "clip", "Orthanc", tcp_nodelay=True),
    Scenario("small-orthanc", "small", "Orthanc", tcp_nodelay=True),
    Scenario("ct-orthanc-nagle", "ct", "Orthanc", tcp_nodelay=False),
    Scenario("ct-storescp-nagle", "ct", "storescp", tcp_nodelay=False),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much: `instances` CT slices; small instances and frames follow from it; `deadline` is monotonic."""

    instances: int
    repetitions: int
    deadline: float

    @property
    def small(self) -> tuple[int, ...]:
        """The sizes between which memory must not grow: 100 to 5,000 where there are 500 slices."""
        return tuple(max(1, size) for size in (self.instances // 5, self.instances * 2, self.instances * 10))

    @property
    def frames(self) -> int:
        """400 frames are 210 MB."""
        return min(self.instances, _MAX_FRAMES)


@dataclass(frozen=True, slots=True)
class Case:
    """One row to be: a variant with a study."""

    variant: str
    study: StudyFiles


def studies(kind: Kind, scale: Scale, folder: Path) -> Sequence[StudyFiles]:
    """Write the studies of a kind."""
    if kind == "ct":
        return [write_slices(folder, "ct", scale.instances, CT_ROWS)]
    if kind == "clip":
        return [write_clip(folder, "clip", scale.frames)]
    return [write_slices(folder, f"small{size}", size, SMALL_ROWS) for size in scale.small]


def measure(scenario: Scenario, files: Sequence[StudyFiles], scale: Scale, folder: Path) -> Result:
    """Start the peers, fill the source, repeat all variants in turn, stop the peers."""
    several = len(files) > 1
    cases = [Case(name, study) for study in files for name in scenario.variants]
    samples: dict[Case, list[Sample]] = {case: [] for case in cases}
    wanted = 1 if several else scale.repetitions
    with ExitStack() as stack:
        source = OrthancPeer(
            stack.enter_context(start_orthanc(folder, "source", tcp_nodelay=scenario.tcp_nodelay)), "source"
        )
        destination = _destination(scenario, folder, stack)
        for study in files:
            source.fill(study)
        longest = 0.0
        for number in range(wanted):
            start = time.monotonic()
            if start + longest > scale.deadline:
                break
            for case in _turned(cases, number):
                move = Move(case.study, source, destination, scenario.tcp_nodelay, folder / "work")
                samples[case].append(sample(move, VARIANTS[case.variant]))
                _say(f"{scenario.name} {number + 1}/{wanted} {case.variant}: {samples[case][-1].cost.wall:.2f} s")
            longest = max(longest, time.monotonic() - start)
    rows = tuple(
        Row(case.variant, case.study.instances, case.study.size, tuple(found), is_runner=case.variant == "adit run")
        for case, found in samples.items()
    )
    return Result(scenario.name, _title(scenario, files), wanted, rows)


def sample(move: Move, variant: Variant) -> Sample:
    """One repetition from an empty destination, with the proof that everything is there."""
    move.destination.clear()
    move.folder.mkdir()
    peers = (move.source.pid, move.destination.pid)
    try:
        start, busy, own, used = time.monotonic(), busy_seconds(), own_cpu_seconds(), sum(map(cpu_seconds, peers))
        cost = variant(move)
        peers_cpu = sum(map(cpu_seconds, peers)) - used
        others = busy_seconds() - busy - (own_cpu_seconds() - own) - peers_cpu
        elapsed = time.monotonic() - start
    finally:
        shutil.rmtree(move.folder)
    return Sample(_proved(cost, move), peers_cpu, max(0.0, others / elapsed))


def _proved(cost: Cost, move: Move) -> Cost:
    held = move.destination.held()
    if cost.problem or held == move.study.sop_instance_uids:
        return cost
    missing, strange = len(move.study.sop_instance_uids - held), len(held - move.study.sop_instance_uids)
    return replace(cost, problem=f"the destination lacks {missing} of {move.study.instances}, has {strange} others")


def _destination(scenario: Scenario, folder: Path, stack: ExitStack) -> Destination:
    if scenario.destination == "storescp":
        program = stack.enter_context(Storescp(folder / "destination", tcp_nodelay=scenario.tcp_nodelay))
        return StorescpPeer(program, "destination")
    orthanc = stack.enter_context(start_orthanc(folder, "destination", tcp_nodelay=scenario.tcp_nodelay))
    return OrthancPeer(orthanc, "destination")


def _turned(cases: Sequence[Case], number: int) -> Iterator[Case]:
    first = number % len(cases)
    yield from (*cases[first:], *cases[:first])


def _title(scenario: Scenario, files: Sequence[StudyFiles]) -> str:
    each = files[-1].size / files[-1].instances / 1e6
    counts = ", ".join(f"{study.instances:,}" for study in files)
    nagle = "TCP_NODELAY=1 in peers and dcmtk" if scenario.tcp_nodelay else "peers and dcmtk as installed (Nagle on)"
    what = {"ct": "CT slices", "small": "small CT slices", "clip": "multi-frame"}[scenario.kind]
    return f"{counts} {what} of {each:.3g} MB, Orthanc → {scenario.destination}, {nagle}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
