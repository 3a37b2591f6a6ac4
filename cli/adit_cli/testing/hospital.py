"""A person's machine: `adit` on a data folder of its own, and two loopback PACS to move studies between."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adit.testing.datasets import Study
from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from adit_cli.testing.program import Adit


@dataclass
class Hospital:
    """Two PACS by the names of their DicomServers, the studies of the first, and the program."""

    source: LoopbackPacs
    destination: LoopbackPacs
    studies: tuple[Study, ...]
    adit: Adit
    folder: Path
    servers: list[manifests.Manifest] = field(default_factory=list)

    def file(self, *more: manifests.Manifest, name: str = "night", **spec: Any) -> Path:
        """A file with both servers and one job for all studies; `more` goes after it."""
        made = manifests.job(name, self.studies, **spec)
        return manifests.write(self.folder / f"{name}.yaml", [*self.servers, made, *more])

    def slow(self, seconds: float) -> None:
        """Let the destination take its time over each instance."""
        self.destination.faults = replace(self.destination.faults, delay_per_instance=seconds)

    @property
    def all_instances(self) -> set[str]:
        return {one.sop_instance_uid for one in self.source.instances()}

    @property
    def arrived(self) -> set[str]:
        return {one.sop_instance_uid for one in self.destination.instances()}

    def arrived_of(self, study: Study) -> int:
        uid = study.study_instance_uid
        return sum(1 for one in self.destination.instances() if one.study_instance_uid == uid)
