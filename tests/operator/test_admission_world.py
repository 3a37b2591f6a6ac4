from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from adit_operator.observed import SeenJob
from tests.operator.admission_world import NAMESPACES, PORTS, SHUT, World

namespaces = st.sampled_from(NAMESPACES)
priorities = st.sampled_from([100, 100, 100, 500])
sources = st.sampled_from(sorted(PORTS))
destinations = st.sampled_from([*sorted(PORTS), "exchange"])
some = st.integers(0, 9)
CHANGES: list[dict[str, Any]] = [
    {"suspend": True},
    {"suspend": False, "stalled": False},
    {"stalled": True},
    {"shutdown": True},
    {"parallelism": 1},
    {"parallelism": 4},
    {"priority": 500},
    {"priority": 100},
]
SPECS: list[dict[str, Any]] = [
    {},
    {"paused": True},
    {"windows": SHUT},
    {"limits": {"maxAssociations": 2, "reservedInteractive": 1}},
    {"limits": {"maxAssociations": 6, "reservedInteractive": 0}},
    {"allowedConsumers": []},
]


class Admissions(RuleBasedStateMachine):
    """Caps hold at every step, nobody starts who must not, hand-over suffices and ends, and nobody starves."""

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.count = 0

    @rule(
        namespace=namespaces,
        priority=priorities,
        source=sources,
        destination=destinations,
        count=st.integers(1, 6),
        parallelism=st.integers(1, 4),
    )
    def a_job_comes(self, source: str, destination: str, **job: Any) -> None:
        self.world.wait(1)
        self.count += 1
        self.world.submit(f"job{self.count}", source, destination, **job)
        self.world.turn()

    def pick(self, index: int) -> SeenJob | None:
        running = self.world.running()
        return running[index % len(running)] if running else None

    @rule(index=some, states=st.sampled_from([("S", "S"), ("S", "P"), ("P", "P")]), linger=st.booleans())
    def a_runner_ends(self, index: int, states: tuple[str, ...], *, linger: bool) -> None:
        job = self.pick(index)
        if job is not None:
            self.world.end(job, states=states, linger=linger)
        self.world.turn()

    @rule()
    def leases_run_out(self) -> None:
        self.world.release()
        self.world.turn()

    @rule(index=some)
    def a_pod_terminates_for_long(self, index: int) -> None:
        job = self.pick(index)
        if job is not None:
            self.world.terminate(job)
        self.world.turn()

    @rule(index=some, changes=st.sampled_from(CHANGES))
    def a_person_changes_a_job(self, index: int, changes: dict[str, Any]) -> None:
        if self.count:
            self.world.change(f"job{1 + index % self.count}", **changes)
        self.world.turn()

    @rule(name=sources, spec=st.sampled_from(SPECS))
    def an_owner_changes_a_server(self, name: str, spec: dict[str, Any]) -> None:
        self.world.server(name, **spec)
        self.world.turn()

    @rule(name=sources, down=st.booleans())
    def a_server_is_away_or_back(self, name: str, *, down: bool) -> None:
        self.world.reach(name, down=down)
        self.world.turn()

    @rule(seconds=st.sampled_from([30, 300, 1200]))
    def time_passes(self, seconds: int) -> None:
        self.world.wait(seconds)
        self.world.turn()

    @rule()
    def who_is_told_makes_room(self) -> None:
        self.world.hand_over()

    def teardown(self) -> None:
        self.world.nobody_starves()


Admissions.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_admission_holds_whatever_happens = Admissions.TestCase
