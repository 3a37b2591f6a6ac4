"""Kept examples of starts: what happens between a decision and the Job that is made of it, and what nobody answers."""

import contextlib

from adit.cluster.cluster import ClusterUnavailable
from tests.operator.guards.drill import Step
from tests.operator.guards.kept_retention import Retaining


class Starting(Retaining):
    """The drill with what interferes while runners are started."""

    async def admit_interrupted(self, writes: int, *then: Step) -> None:
        """Something happens, and is seen, between what a turn of admission decided and its nth write."""
        self.tap.interruption = (writes, lambda: self.play(then))
        try:
            await self.admit()
        finally:
            self.tap.interruption = None

    async def admit_unanswered(self, writes: int) -> None:
        """A turn of admission whose nth write is done, and its answer lost; nothing tells of it yet."""
        self.tap.fuse, self.tap.answered = writes, True
        with contextlib.suppress(ClusterUnavailable):
            await self.desk.admit()
        assert self.tap.fuse is None, "it wrote less"


PLANNED: list[Step] = [("submit", "night", 1, 1, None), ("look",), ("look",), ("look",)]

START_EXAMPLES: dict[str, tuple[bool, list[Step]]] = {
    "asked-again-before-a-start": (
        True,
        [
            *PLANNED,
            ("admit_interrupted", 0, ("change", "night", {"suspend": True}), ("see_all",)),
            ("expect_runner_jobs", 0),
        ],
    ),
    "claimed-is-not-given-up": (
        True,
        [
            *(*PLANNED, ("admit",), ("see_all",), ("sweep",), ("wait", 1000), ("claim", 0), ("begin", 0)),
            *(("sweep",), ("expect_runner_jobs", 1)),
        ],
    ),
    "unanswered-takes-a-slot": (
        True,
        [
            *(*PLANNED, ("admit_unanswered", 3)),
            ("submit", "day", 2, 2, {"priority": 500}),
            *(("reconcile", "day"), ("reconcile", "day"), ("reconcile", "day"), ("admit",)),
        ],
    ),
}
