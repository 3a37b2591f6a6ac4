"""`python -m tests.cluster`: what the Makefile's targets cluster, cluster-down and images call."""

import argparse
import sys
from pathlib import Path

from tests.charts import helm
from tests.cluster import access, binary, images, local
from tests.cluster.node import Node
from tests.cluster.places import RUN
from tests.cluster.progress import ClusterError


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.cluster", description="A one-node Kubernetes on this machine")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("programs", help="build what it is made of, which takes minutes the first time")
    commands.add_parser("up", help="start it if need be, and say how to use it")
    commands.add_parser("down", help="take it down with everything that it made")
    commands.add_parser("pack", help="load the programs' images, packed on this machine's Python")
    load = commands.add_parser("load", help="load docker archives")
    load.add_argument("archives", nargs="+", type=Path)
    build = commands.add_parser("images", help="build the Containerfiles with docker, podman or buildah")
    build.add_argument("--base", help="the image to build on (default: the Containerfile's)")
    build.add_argument("--save", type=Path, metavar="FOLDER", help="save each image there as a docker archive")
    return made


def usage(node: Node) -> str:
    return f"export KUBECONFIG={node.kubeconfig}\nexport PATH={node.programs}:$PATH  # has kubectl"


def running() -> Node:
    node = Node(RUN)
    if node.init is None:
        raise ClusterError("The local cluster does not run. Start it with: make cluster")
    return node


def build_programs() -> None:
    """Kubernetes, and the helm that installs the chart on it."""
    binary.build()
    try:
        _ = helm.find() or helm.build()
    except helm.NoHelm as error:
        raise ClusterError(str(error)) from error


def run(arguments: argparse.Namespace) -> None:
    match arguments.command:
        case "programs":
            build_programs()
        case "up":
            print(usage(local.up(keep=True).node))  # noqa: T201 - the answer of the command
        case "down":
            if not local.down():
                print("No local cluster runs.", file=sys.stderr)  # noqa: T201 - the answer of the command
        case "pack":
            access.import_archive(running(), images.packed_archive())
        case "load":
            for archive in arguments.archives:
                access.import_archive(running(), archive)
        case "images":
            builder = images.require_builder()
            for program in images.PROGRAMS:
                out = arguments.save / f"{program}.tar" if arguments.save else None
                print(images.build(program, builder, arguments.base, out))  # noqa: T201 - the answer of the command


if __name__ == "__main__":
    try:
        run(parser().parse_args())
    except ClusterError as error:
        sys.exit(f"error: {error}")
