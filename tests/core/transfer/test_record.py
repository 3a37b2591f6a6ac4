"""The record: what goes in comes out, and what does not fit loses names before it loses counts."""

import base64
import gzip
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adit.api.counts import InstanceCounts
from adit.errors import BadInput
from adit.transfer.record import Entry, Kind, Record, Stage, TaskLine, collapsed, decode, encode, limited

UIDS = st.from_regex(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,5}){1,4}", fullmatch=True)
ENTRIES = st.builds(
    Entry,
    task=st.sampled_from(["t0", "t1"]),
    kind=st.sampled_from(get_args(Kind)),
    stage=st.sampled_from(get_args(Stage)),
    reason=st.sampled_from(["NotVerified", "NotReceived"]),
    series=UIDS,
    instance=UIDS,
    count=st.integers(1, 1000),
    message=st.text(max_size=50),
)
LINES = st.builds(
    TaskLine,
    id=st.sampled_from(["t0", "t1", "t2"]),
    state=st.sampled_from(["S", "W", "F"]),
    instances=st.builds(InstanceCounts, listed=st.integers(0, 99), verified=st.none() | st.integers(0, 99)),
    bytes=st.integers(0, 1 << 40),
)
RECORDS = st.builds(Record, st.lists(LINES, max_size=5).map(tuple), st.lists(ENTRIES, max_size=20).map(tuple))


def lost(instances: int, series: int = 1) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            task="t0",
            kind="Lost",
            stage="Verify",
            reason="NotVerified",
            series=f"1.2.{n % series}",
            # nothing that gzip could shorten
            instance=f"1.2.{n * 7919**5 % 10**40}",
        )
        for n in range(instances)
    )


@settings(deadline=None, max_examples=60)
@given(RECORDS)
def test_what_is_encoded_is_decoded(record: Record) -> None:
    assert decode(encode(record)) == record


@settings(deadline=None, max_examples=60)
@given(RECORDS, st.integers(200, 2000))
def test_it_never_exceeds_its_limit_and_never_loses_a_task(record: Record, limit: int) -> None:
    packed = encode(record, limit)
    assert [line.id for line in decode(packed).tasks] == [line.id for line in record.tasks]
    entries = decode(packed).entries
    if entries:
        assert len(packed) <= limit
        assert sum(entry.count for entry in entries) == sum(entry.count for entry in record.entries)


def test_too_many_names_collapse_to_series_with_count_and_reason() -> None:
    record = Record((TaskLine(id="t0", state="W"),), lost(50_000, series=3))
    packed = encode(record)
    assert len(packed) <= 204_800
    entries = decode(packed).entries
    assert [(entry.series, entry.reason, entry.instance) for entry in entries] == [
        ("1.2.0", "NotVerified", ""),
        ("1.2.1", "NotVerified", ""),
        ("1.2.2", "NotVerified", ""),
    ]
    assert sum(entry.count for entry in entries) == 50_000


def test_a_thousand_names_fit() -> None:
    record = Record((TaskLine(id="t0", state="W"),), lost(1000))
    assert decode(encode(record)).entries == record.entries


def test_the_same_record_is_the_same_text() -> None:
    assert encode(Record((), lost(3))) == encode(Record((), lost(3)))


def test_a_runner_keeps_a_bounded_number_of_names() -> None:
    assert limited(Record((), lost(10)), 10).entries == lost(10)
    assert limited(Record((), lost(11)), 10).entries == collapsed(lost(11))


def test_no_record_is_an_empty_one() -> None:
    assert decode("") == Record()


@pytest.mark.parametrize(
    "packed",
    [
        "?",
        base64.b64encode(b"no gzip").decode(),
        base64.b64encode(gzip.compress(b"no json")).decode(),
        base64.b64encode(gzip.compress(b'{"state": "S", "id": "t0", "more": 1}')).decode(),
        base64.b64encode(gzip.compress(b"[1]")).decode(),
        encode(Record((), lost(3)))[:-8],
    ],
)
def test_what_is_no_record_is_refused(packed: str) -> None:
    with pytest.raises(BadInput):
        decode(packed)


def test_counts_add_up_over_the_finished_tasks() -> None:
    lines = tuple(
        TaskLine(id=f"t{n}", state="S", instances=InstanceCounts(listed=n, verified=n), bytes=n) for n in (1, 2)
    )
    assert Record(lines).instances == InstanceCounts(listed=3, verified=3)
    assert Record(lines).bytes == 3
