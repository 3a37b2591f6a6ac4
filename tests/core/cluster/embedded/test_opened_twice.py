"""One process may open the data folder twice, as `adit run` does: what others write meanwhile must stay."""

import asyncio
import sys
from pathlib import Path

from adit.cluster.embedded import EmbeddedCluster
from adit.testing.cluster import config_map_manifest

WRITE_AND_LIST = """
import asyncio, sys
from pathlib import Path
from adit.cluster.embedded import EmbeddedCluster
from adit.testing.cluster import config_map_manifest

async def write_and_list():
    async with EmbeddedCluster.open(Path(sys.argv[1])) as cluster:
        await cluster.create(config_map_manifest(sys.argv[2]))
        print(*(found["metadata"]["name"] for found in (await cluster.list("ConfigMap")).items))

asyncio.run(write_and_list())
"""


async def another_process_writes(data: Path, name: str) -> set[str]:
    """The names that it sees afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITE_AND_LIST, str(data), name, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return set(output.decode().split())


async def names(cluster: EmbeddedCluster) -> set[str]:
    return {found["metadata"]["name"] for found in (await cluster.list("ConfigMap")).items}


async def test_what_is_written_survives_a_second_opening_in_the_same_process(tmp_path: Path) -> None:
    """Closing a descriptor of the database would drop this process's locks on it: another process that comes and goes
    would then delete the write-ahead log under our feet, and from then on nobody sees what the other writes.
    """
    data = tmp_path / "data"
    async with EmbeddedCluster.open(data) as first, EmbeddedCluster.open(data) as second:
        await first.create(config_map_manifest("ours"))
        await another_process_writes(data, "theirs")
        await second.create(config_map_manifest("ours-again"))
        everything = {"ours", "theirs", "ours-again", "theirs-again"}
        assert await another_process_writes(data, "theirs-again") == everything
        assert await names(first) == everything
    async with EmbeddedCluster.open(data) as again:
        assert await names(again) == everything
