import codecs
import gzip
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.api.task_lines import MAX_TASKS_PER_SECRET, MAX_UNPACKED_BYTES, TaskSource, read_task_list
from adit.api.task_list import TaskList
from adit.api.tasks import TransferTask
from adit.errors import BadInput


def lines(tasks: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(task).encode() + b"\n" for task in tasks)


def tasks(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"patientId": f"P{i}", "studyInstanceUid": f"1.2.{i + 1}"} for i in range(start, start + count)]


def read(*contents: bytes, key: str = "tasks.jsonl", pseudonymized: bool = False) -> TaskList:
    sources = [TaskSource(f"list-{i}", key, content) for i, content in enumerate(contents)]
    return read_task_list(sources, rule="Given" if pseudonymized else "Needless")


def refusal(*contents: bytes, **given: Any) -> str:
    with pytest.raises(BadInput) as refused:
        read(*contents, **given)
    assert refused.value.reason == "InvalidTasks"
    return refused.value.message


def test_tasks_are_read_in_the_order_of_their_secrets() -> None:
    found = read(lines(tasks(2)), lines(tasks(1, start=5)))
    assert [task.patient_id for task in found.part(0, 3)] == ["P0", "P1", "P5"]


def test_a_task_without_an_id_is_named_by_its_place_in_the_whole_list() -> None:
    named = [{**task, "id": "mine"} for task in tasks(1, start=5)]
    assert read(lines(tasks(2)), lines(named), lines(tasks(1, start=9))).ids == ("t0", "t1", "mine", "t3")


def test_a_key_that_ends_in_gz_is_unpacked() -> None:
    assert len(read(gzip.compress(lines(tasks(3))), key="tasks.jsonl.gz")) == 3


def test_empty_lines_are_skipped_and_counted() -> None:
    assert len(read(b"\n" + lines(tasks(1)) + b"\n \n" + lines(tasks(1, start=5)).strip())) == 2
    assert "line 3: patientId" in refusal(b"\n\n" + lines([{"patientId": "*", "studyInstanceUid": "1.2"}]))


def test_a_byte_order_mark_hides_no_task() -> None:
    marked = codecs.BOM_UTF8 + lines(tasks(2))
    assert read(marked, marked.replace(b"1.2.", b"1.3.").replace(b"P", b"Q")).ids == ("t0", "t1", "t2", "t3")


@given(
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]),
    st.lists(
        st.sampled_from(['{"patientId": "P%d", "studyInstanceUid": "1.%d"}', "", "[]", "\u00a0", "\ufeff"]), max_size=5
    ),
)
def test_every_line_that_is_not_empty_is_a_task_or_told(encoding: str, forms: list[str]) -> None:
    written = [form % (i, i + 1) if "%" in form else form for i, form in enumerate(forms)]
    content = "\n".join(written).encode(encoding, "replace")
    # at the very beginning of UTF-8 it is the mark of its encoding, and no line
    marked = encoding == "utf-8" and forms[:1] == ["\ufeff"]
    count = sum(1 for form in forms[marked:] if form)
    try:
        assert len(read(content)) == count
    except BadInput:
        assert not encoding.startswith("utf-8") or not count or any(form and "%" not in form for form in forms)


def test_many_tasks_of_one_study_are_checked_in_a_moment() -> None:
    """Compared each with each they would take half a minute."""
    task = '{"patientId": "P", "studyInstanceUid": "1.2", "seriesInstanceUids": ["1.2.%d"]}\n'
    began = time.monotonic()
    assert len(read("".join(task % i for i in range(1, 10_001)).encode())) == 10_000
    assert time.monotonic() - began < 10


def test_packed_tasks_are_the_same_tasks() -> None:
    wanted = TransferTask.of({**tasks(1)[0], "id": "a", "seriesInstanceUids": ["1.3"], "pseudonym": "A"})
    assert read(lines([wanted.manifest()]), pseudonymized=True).part(0, 1) == (wanted,)


@given(st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=8), st.data())
def test_a_choice_keeps_the_order_of_the_list(names: list[str], data: st.DataObject) -> None:
    whole = TaskList.of(TransferTask.of({**task, "id": name}) for name, task in zip(names, tasks(8), strict=False))
    chosen = data.draw(st.sets(st.sampled_from(names))) if names else set()
    assert whole.chosen(chosen).ids == tuple(name for name in names if name in chosen)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"patient,study", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"[1]", "must be a JSON object"),
        (b'{"patientId": "P", "studyInstanceUid": "x"}', "studyInstanceUid: not a UID"),
        (b'{"patientId": 7, "studyInstanceUid": "1.2"}', "patientId: not a string: quote it"),
        (b'{"studyInstanceUid": "1.2"}', "patientId: required"),
        (b'{"patient_id": "P", "patientId": "P", "studyInstanceUid": "1.2"}', "has an unknown field"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_with_its_place(line: bytes, sentence: str) -> None:
    message = refusal(lines(tasks(1)) + line)
    assert message.startswith("Secret list-0, key tasks.jsonl, line 2: ")
    assert sentence in message


def test_no_value_and_no_name_from_the_file_is_repeated() -> None:
    message = refusal(b'{"patientId": "Doe*Jane", "studyInstanceUid": "1.2.99", "Doe^Jane": {"x": "Jane"}}')
    assert "Doe" not in message
    assert "1.2.99" not in message


def test_rules_across_tasks_hold_across_secrets() -> None:
    message = refusal(lines(tasks(2)), lines([{"patientId": "P9", "studyInstanceUid": "1.2.1"}]))
    assert "Secret list-1, key tasks.jsonl, line 1: patientId: Secret list-0, key tasks.jsonl, line 1 gives" in message


def test_a_job_that_pseudonymizes_needs_pseudonyms() -> None:
    assert "pseudonym: is required" in refusal(lines(tasks(1)), pseudonymized=True)


def test_of_many_problems_a_few_are_named_and_the_others_counted() -> None:
    message = refusal(b"x\n" * 12)
    assert message.count("not JSON") == 5
    assert message.endswith("; and 7 more")


def test_an_empty_list_is_refused() -> None:
    assert "no task" in refusal(b"\n\n")


def test_a_secret_holds_so_many_tasks_and_no_more() -> None:
    assert len(read(lines(tasks(MAX_TASKS_PER_SECRET)))) == MAX_TASKS_PER_SECRET
    assert "more than 10000 tasks" in refusal(lines(tasks(MAX_TASKS_PER_SECRET + 1)))


def test_a_job_has_at_most_a_hundred_thousand_tasks() -> None:
    parts = [gzip.compress(lines(tasks(10_000, start=10_000 * i))) for i in range(10)]
    assert "more than 100000 tasks" in refusal(*parts, gzip.compress(lines(tasks(1, start=200_000))), key="a.gz")


@pytest.mark.parametrize("filling", [b"\n", b" ", b"{}\n", lines(tasks(1))])
def test_a_bomb_is_refused_before_it_is_unpacked(filling: bytes) -> None:
    bomb = gzip.compress(filling * (2 * MAX_UNPACKED_BYTES // len(filling)))
    assert len(bomb) < 1 << 20
    assert "more than" in refusal(bomb, key="bomb.gz") or "longer than" in refusal(bomb, key="bomb.gz")


def test_the_lists_of_one_job_fit_into_memory_together() -> None:
    series = [f"1.2.3.{i:050d}" for i in range(100)]
    listed = [
        gzip.compress(lines({**task, "seriesInstanceUids": series} for task in tasks(2_500, start=2_500 * i)))
        for i in range(3)
    ]
    assert "more than 32 MiB of tasks" in refusal(*listed, key="tasks.gz")


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(lines(tasks(50)))[:-9], b"\x1f\x8b\x08\x00"])
def test_what_only_calls_itself_gzip_is_refused(content: bytes) -> None:
    assert "not gzip" in refusal(content, key="tasks.gz")


@given(st.binary(max_size=300))
def test_whatever_a_secret_holds_is_read_or_refused(content: bytes) -> None:
    for key in ("tasks.jsonl", "tasks.jsonl.gz"):
        try:
            found = read(content, key=key)
        except BadInput as refused:
            assert refused.reason == "InvalidTasks"  # noqa: PT017  # it may be read as well
        else:
            assert found.ids
