import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.operator.derived import BY_PROFILE, make_profile, table_is_complete
from tests.operator.guards.drill import NAMES, Drill, Step

MEMORY = Path("/dev/shm")  # a folder of our own below it; each example opens a new database

RETENTIONS = (
    None,
    {"recordsSecondsAfterFinished": 0},
    {"recordsSecondsAfterFinished": 60, "ttlSecondsAfterFinished": 120},
)

names = st.sampled_from(NAMES)
some = st.integers(0, 5)
writes = st.integers(0, 6)
letters = st.sampled_from(["S", "S", "W", "F", "P"])
reasons = st.sampled_from(["Done", "Done", "RetryLater", "Stopped", "PeerUnavailable", "AccessDenied"])
of_a_runner: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("claim"), some),
    st.tuples(st.just("work"), some, letters),
    st.tuples(st.just("flush"), some),
    st.tuples(st.just("leave"), some, reasons),
    st.tuples(st.just("thaw"), some),
)
of_the_operator: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("reconcile"), names),
    st.tuples(st.just("admit")),
    st.tuples(st.just("see_all")),
    st.tuples(st.just("reconcile_dying"), names, writes, st.sampled_from(["before", "after"])),
    st.tuples(st.just("admit_dying"), writes, st.sampled_from(["before", "after"])),
)
of_a_person: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("change"), names, st.sampled_from([{"suspend": True}, {"suspend": False}, {"parallelism": 3}])),
    st.tuples(st.just("change"), names, st.sampled_from([{"shutdown": "Graceful"}, {"shutdown": "Immediate"}])),
    st.tuples(st.just("submit"), names, st.integers(1, 4)),
    st.tuples(st.just("change"), names, st.sampled_from([{"retention": one} for one in RETENTIONS])),
    st.tuples(st.just("change"), names, st.sampled_from([{"priority": 500}, {"priority": 100}, {"parallelism": 1}])),
    st.tuples(st.sampled_from(["pause", "shut", "open_again", "open_again"]), st.sampled_from(["pacs", "research"])),
)


class Operations(RuleBasedStateMachine):
    """Anything may happen at any time: no task twice, a finished round is terminal, caps hold, and no job is stuck."""

    derived = False

    @initialize(flock=st.booleans(), count=st.integers(1, 9), parallelism=st.integers(1, 3), derived=st.booleans())
    def begin(self, *, flock: bool, count: int, parallelism: int, derived: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.loop = asyncio.new_event_loop()
        self.drill = Drill(self.folder / "data", flock=flock)
        self.tokens = 0
        self.derived = derived
        self.await_(self.drill.open())
        if derived:
            self.await_(make_profile(self.drill.tap))
        self.do("submit", "night", count, parallelism, BY_PROFILE if derived else None)
        self.do("a_good_hour", "")

    def await_(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    def do(self, *step: Any) -> None:
        self.await_(self.drill.play([step]))

    @rule(letters=st.text("SSSWFP", max_size=4))
    def everything_goes_well(self, letters: str) -> None:
        self.do("a_good_hour", letters)

    @rule(letters=st.text("SSSSF", min_size=2, max_size=6))
    def everything_goes_well_for_long(self, letters: str) -> None:
        for _ in range(3):
            self.do("a_good_hour", letters)

    @rule(step=of_the_operator)
    def the_operator_works_on_what_it_knows(self, step: Step) -> None:
        self.do(*step)

    @rule(back=st.integers(1, 4), step=of_the_operator)
    def the_newest_events_come(self, back: int, step: Step) -> None:
        history = len(self.drill.tap.history)
        for index in range(max(0, history - back), history):
            self.do("deliver", index)
        self.do(*step)

    @rule(indexes=st.lists(st.integers(0, 400), min_size=1, max_size=5), step=of_the_operator)
    def events_come_late_or_twice(self, indexes: list[int], step: Step) -> None:
        for index in indexes:
            self.do("deliver", index)
        self.do(*step)

    @rule(name=names, count=writes, then=of_a_runner)
    def a_runner_comes_between(self, name: str, count: int, then: Step) -> None:
        self.do("interrupted", name, count, then)

    @rule(steps=st.lists(of_a_runner, min_size=1, max_size=6))
    def runners_work(self, steps: list[Step]) -> None:
        for step in steps:
            self.do(*step)

    @rule(index=some, step=st.sampled_from(["begin", "crash", "notice", "lose_node", "freeze", "thaw", "sleepwalk"]))
    def a_runner_or_its_node_fails(self, index: int, step: str) -> None:
        self.do(step, index)

    @rule(index=some)
    def a_runner_crashes_and_is_noticed(self, index: int) -> None:
        for step in ("begin", "flush", "crash", "notice"):
            self.do(step, index)

    @rule(index=some, reason=reasons)
    def a_runner_leaves_unnoticed(self, index: int, reason: str) -> None:
        self.do("leave_unnoticed", index, reason)

    @rule(step=of_a_person)
    def a_person_acts(self, step: Step) -> None:
        self.do(*step)

    @rule(name=names, scope=st.sampled_from(["Failed", "FailedAndWarned", "Canceled", "All"]))
    def a_person_retries_a_job(self, name: str, scope: str) -> None:
        self.tokens += 1
        self.do("retry", name, scope, f"token-{self.tokens}")
        self.do("see_all")

    @precondition(lambda self: len(self.drill.tap.history) > 60)  # once something has been made of it
    @rule(name=names)
    def a_person_deletes_a_job_and_submits_it_anew(self, name: str) -> None:
        self.do("delete", name)
        self.do("submit", name)

    @rule(seconds=st.sampled_from([1, 60, 130]))
    def time_passes(self, seconds: int) -> None:
        self.do("wait", seconds)
        self.do("answer_probes")

    @invariant()
    def every_made_pseudonym_stands_in_the_table(self) -> None:
        if self.derived:
            self.await_(table_is_complete(self.drill.tap))

    def teardown(self) -> None:
        try:
            self.await_(self.drill.heal())
        finally:
            self.await_(self.drill.close())
            self.loop.close()
            shutil.rmtree(self.folder)


TestOperations = Operations.TestCase
TestOperations.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
