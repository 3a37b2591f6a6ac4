"""`python -m benchmarks operator`: the operator's numbers, as Markdown on standard output (docs/performance.md)."""

import argparse
import asyncio
import contextlib
import os
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from adit.errors import AditError
from benchmarks.control.operator_program import PROFILE_ENV
from benchmarks.control.parts import PARTS, QUICK, Around, Part, Scale, measured
from benchmarks.machine import machine_line
from tests.cluster import images, local
from tests.cluster.access import KubectlError, Kubernetes, import_archive
from tests.cluster.node import Node
from tests.cluster.places import PROJECT
from tests.cluster.progress import ClusterError

RUN: Final = Path("/var/tmp/adit-bench")
"""The run folder of a Kubernetes of our own, so that its counters count nobody else's writes."""


def main(arguments: Sequence[str]) -> int:
    """0 where everything was measured, whether or not a target was missed."""
    options = _options(arguments)
    scale = QUICK if options.quick else Scale()
    chosen = [part for part in PARTS if not options.only or part.name in options.only]
    if options.profile:
        os.environ[PROFILE_ENV] = str(options.profile.resolve())
    print(machine_line(Path.cwd()), end="\n\n", flush=True)
    failed = [part for part in chosen if not part.needs_kubernetes and not _print(part, Around(scale))]
    if on_kubernetes := [part for part in chosen if part.needs_kubernetes]:
        failed += _on_a_cluster_of_our_own(on_kubernetes, scale)
    print(machine_line(Path.cwd()), flush=True)
    return 1 if failed else 0


def _on_a_cluster_of_our_own(parts: Sequence[Part], scale: Scale) -> list[Part]:
    """Measure on a Kubernetes that is started for it; the parts that could not be."""
    try:
        with own_cluster() as kubernetes:
            if any(part.needs_images for part in parts):
                kubernetes.load_image(images.packed_archive())
            return [part for part in parts if not _on(kubernetes, part, scale)]
    except ClusterError as error:
        print(f"not measured on Kubernetes: {error}\n", flush=True)
        return list(parts)


def _on(kubernetes: Kubernetes, part: Part, scale: Scale) -> bool:
    names = tuple((program, images.name_of(program)) for program in images.PROGRAMS)
    with namespace(kubernetes) as name:
        return _print(part, Around(scale, kubernetes, name, names))


def _print(part: Part, around: Around) -> bool:
    """Print a section as soon as it is known; False where it could not be measured."""
    print(f"### {part.title.format(**asdict(around.scale))}\n", flush=True)
    start, load = time.monotonic(), os.getloadavg()[0]
    try:
        text = asyncio.run(measured(part, around))
    except (AditError, KubectlError, AssertionError, TimeoutError, RuntimeError, ExceptionGroup) as error:
        print(f"NOT MEASURED: {type(error).__name__}: {error}\n", flush=True)
        return False
    print(
        text,
        f"- {time.monotonic() - start:.0f} s; load {load:.1f} before, {os.getloadavg()[0]:.1f} after\n",
        sep="\n\n",
    )
    sys.stdout.flush()
    return True


@contextmanager
def own_cluster() -> Iterator[Kubernetes]:
    """A one-node Kubernetes with our CRDs, taken down at the end. Raises ClusterError."""
    at = Node(RUN)
    node = local.up(keep=True, at=at).node
    try:
        kubernetes = Kubernetes(node.kubeconfig, node.programs / "kubectl", lambda tar: import_archive(node, tar), node)
        kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(PROJECT / "crds"))
        yield kubernetes
    finally:
        local.down(at)


@contextmanager
def namespace(kubernetes: Kubernetes) -> Iterator[str]:
    """A namespace of the PodSecurity level `restricted`; its deletion is not waited for."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    kubernetes.kubectl("create", "namespace", name)
    kubernetes.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield name
    finally:
        with contextlib.suppress(KubectlError):
            kubernetes.kubectl("delete", "namespace", name, "--wait=false")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks operator", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it works, not a measurement")
    parser.add_argument(
        "--only", action="append", choices=[one.name for one in PARTS], help="this part; may be repeated"
    )
    parser.add_argument("--profile", type=Path, help="write the operator's cProfile to this file, of the last part")
    return parser.parse_args(arguments)
