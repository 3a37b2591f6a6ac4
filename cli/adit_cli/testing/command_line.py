"""The command line called in this process, and the cluster that it looks at, filled by hand."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit_cli.commands import app
from adit_cli.testing.program import Result

Manifest = dict[str, Any]


class CommandLine:
    """Calls `adit` as typed; the screen is no terminal, and nobody waits for a slot."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: object, stdin: str = "", **environment: str) -> Result:
        """How a command ended; an error that no person should see is raised."""
        words = ["--data", str(self.data), *map(str, arguments)]
        kept = {"COLUMNS": "200", "ADIT_SLOT_SECONDS": "0", **environment}
        result = CliRunner().invoke(app, words, input=stdin, env=kept, prog_name="adit")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Result(result.exit_code, result.stdout, result.stderr)

    def put(self, *manifests: Manifest) -> list[Manifest]:
        """Create objects, as if somebody else had; gives them as the cluster keeps them."""

        async def create() -> list[Manifest]:
            async with EmbeddedCluster.open(self.data) as cluster:
                return [await cluster.create(manifest) for manifest in manifests]

        return asyncio.run(create())

    def tell(self, kind: str, name: str, status: Mapping[str, Any]) -> None:
        """Write a status, as operator or runner would."""

        async def write() -> None:
            async with EmbeddedCluster.open(self.data) as cluster:
                await cluster.patch_status(Ref(kind, "default", name), dict(status))

        asyncio.run(write())

    def get(self, kind: str, name: str) -> Manifest:
        """An object as the cluster keeps it."""

        async def read() -> Manifest:
            async with EmbeddedCluster.open(self.data) as cluster:
                return await cluster.get(Ref(kind, "default", name))

        return asyncio.run(read())
