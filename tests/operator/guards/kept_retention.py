"""Kept examples of what is removed: each would lose or repeat something if its guard were not there."""

from dataclasses import replace
from typing import Any

from adit.cluster.cluster import ObjectNotFound
from adit.cluster.kinds import Ref
from adit_operator.settings import OperatorSettings
from adit_operator.watches import WATCHED, Watches
from tests.operator.guards.drill import Drill, Step

NIGHT = Ref("TransferJob", "default", "night")
TRACKED = {"argocd.argoproj.io/tracking-id": "research:adit.dev/TransferJob:default/night"}


class Retaining(Drill):
    """The drill with what people and tools do to finished jobs."""

    async def track(self) -> None:
        """Argo CD says that the job is its own."""
        await self.tap.patch(NIGHT, {"metadata": {"annotations": TRACKED}})

    async def watch_elsewhere(self) -> None:
        """Another operator starts, which is told to work another namespace only."""
        self.desk.crash()
        self.desk.world = replace(self.desk.world, settings=OperatorSettings(watch_namespaces=("radiology",)))
        watches = Watches(self.tap, self.desk.world.cache, lambda _: None, ("radiology",), "adit")
        for watched in WATCHED:
            await watches.read(watched)

    async def expect_there(self) -> None:
        try:
            await self.tap.get(NIGHT)
        except ObjectNotFound as error:
            raise AssertionError("a job that somebody needs was deleted") from error


def finished(retention: dict[str, int], *between: Step) -> list[Step]:
    """A job of one task that is over, and an hour more."""
    spec: dict[str, Any] = {"retention": retention}
    return [
        *(("submit", "night", 1, 1, spec), *between, ("look",), ("look",), ("admit",), ("see_all",)),
        *(("claim", 0), ("work", 0, "S"), ("leave", 0), ("look",), ("look",), ("look",), ("wait", 3600)),
    ]


CRASH_LONG_AGO: list[Step] = [
    *(("crash", 0), ("notice", 0), ("wait", 7200), ("see_all",), ("sweep",)),
    *(("look",), ("look",), ("admit",), ("see_all",)),
]

RETENTION_EXAMPLES: dict[str, tuple[bool, list[Step]]] = {
    "gitops-owned-is-not-deleted": (
        True,
        [*finished({"ttlSecondsAfterFinished": 60}, ("track",)), *(("look",),) * 3, ("expect_there",)],
    ),
    "removes-what-was-seen": (
        True,
        [
            *finished({"ttlSecondsAfterFinished": 60}),
            *(("see_all",), ("interrupted", "night", 0, ("delete", "night"), ("submit", "night"))),
            ("expect_there",),
        ],
    ),
    "compacted-is-not-repeated": (
        True,
        [
            *finished({"recordsSecondsAfterFinished": 60}),
            *(*(("look",),) * 3, ("retry", "night", "All", "again"), ("look",), ("look",), ("expect_round", 0)),
        ],
    ),
    "unseen-is-not-gone": (
        True,
        [
            *(("submit", "night", 1, 1, None), ("look",), ("look",), ("admit",), ("see_all",), ("claim", 0)),
            *(("watch_elsewhere",), ("sweep",), ("expect_runner_jobs", 1), ("restart",)),
        ],
    ),
    "unjudged-is-kept": (
        True,
        [
            *(("submit", "night", 1, 1, None), ("look",), ("look",), ("admit",), ("see_all",)),
            *CRASH_LONG_AGO * 3,
            ("expect_failed", 1),
        ],
    ),
}
