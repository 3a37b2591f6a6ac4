"""The counts of many sets, against counting each task by itself."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from adit.api.task_set import TaskState
from adit_operator.aggregate import aggregate
from adit_operator.observed import SeenSet
from adit_operator.rounds import newest_states
from adit_operator.testing.builders import seen_set

LETTERS = st.sampled_from("PSWFC")
OPEN_OR_CANCELED: tuple[TaskState, ...] = ("P", "C")


@st.composite
def rounds(draw: st.DrawFn) -> tuple[int, list[SeenSet], set[str]]:
    """How many tasks a job has, the sets of a few rounds, and what the next one repeats."""
    names = [f"t{i}" for i in range(draw(st.integers(1, 9)))]
    sets = []
    for number in range(draw(st.integers(0, 3))):
        held = draw(st.lists(st.sampled_from(names), unique=True, max_size=9))
        size = draw(st.integers(1, 4))
        for index in range(0, len(held), size):
            ids = held[index : index + size]
            states = "".join(draw(LETTERS) for _ in ids)
            sets.append(seen_set(states, round_=number, index=index, ids=ids))
    return len(names), sets, draw(st.sets(st.sampled_from(names)))


@given(rounds(), st.sampled_from(OPEN_OR_CANCELED))
def test_each_task_counts_once_by_its_newest_round(
    job: tuple[int, list[SeenSet], set[str]], without: TaskState
) -> None:
    total, sets, repeated = job
    states = newest_states(sets) | dict.fromkeys(repeated, "P")
    wanted: Counter[str] = Counter(states.values()) + Counter({without: total - len(states)})
    counts = aggregate(total, sets, without_record=without, repeated=repeated).tasks
    told = (counts.pending, counts.succeeded, counts.warned, counts.failed, counts.canceled)
    assert told == tuple(wanted[letter] for letter in "PSWFC")
    assert counts.total == total


def test_more_records_than_the_job_remembers_tasks_still_add_up() -> None:
    counts = aggregate(0, [seen_set("SF")]).tasks
    assert (counts.total, counts.succeeded, counts.failed, counts.pending) == (2, 1, 1, 0)
