"""Which announcements await an instance: by name, by Message ID, by source and study; never fewer than should."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from adit.transmit.announcement import Announcement, Arrival, awaiting, needs_study

STUDIES, INSTANCES, TITLES = ("1.2.1", "1.2.2"), ("1.3.1", "1.3.2", "1.3.3"), ("PACS", "PACS_2")

announcements = st.builds(
    Announcement,
    id=st.uuids().map(lambda one: one.hex),
    message_id=st.sampled_from((0, 1, 2)),
    calling_ae_title=st.sampled_from(("", *TITLES)),
    study_instance_uid=st.sampled_from(("", *STUDIES)),
    sop_instance_uids=st.frozensets(st.sampled_from(INSTANCES), max_size=2),
    standing=st.booleans(),
)
arrivals = st.builds(
    Arrival,
    calling_ae_title=st.sampled_from(TITLES),
    sop_class_uid=st.just("1.2.840.10008.5.1.4.1.1.2"),
    sop_instance_uid=st.sampled_from(INSTANCES),
    transfer_syntax_uid=st.just("1.2.840.10008.1.2.1"),
    study_instance_uid=st.sampled_from(STUDIES),
    move_originator_message_id=st.sampled_from((None, 1, 2)),
)
NAMED = Announcement("a" * 32, 7, "PACS", "1.2.1", frozenset({"1.3.1"}))
ARRIVAL = Arrival("PACS", "1.4", "1.3.1", "1.2.840.10008.1.2", "1.2.1", 7)


def test_an_instance_that_is_named_is_awaited_from_its_source() -> None:
    assert awaiting(replace(ARRIVAL, move_originator_message_id=None), [NAMED]) == (NAMED,)


def test_a_named_instance_from_another_title_is_awaited_by_the_message_id_alone() -> None:
    other = replace(ARRIVAL, calling_ae_title="PACS_STORE")
    assert awaiting(other, [NAMED]) == (NAMED,)
    assert awaiting(replace(other, move_originator_message_id=None), [NAMED]) == ()


def test_a_message_id_that_is_a_constant_brings_no_other_study() -> None:
    assert awaiting(replace(ARRIVAL, sop_instance_uid="1.3.9", study_instance_uid="1.2.2"), [NAMED]) == ()


def test_what_a_move_brings_beyond_the_list_is_awaited_when_it_is_of_the_study() -> None:
    assert awaiting(replace(ARRIVAL, sop_instance_uid="1.3.9"), [NAMED]) == (NAMED,)


def test_an_instance_that_several_await_is_awaited_by_each() -> None:
    other = replace(NAMED, id="b" * 32, message_id=8)
    assert awaiting(ARRIVAL, [NAMED, other]) == (NAMED, other)


def test_a_subscription_takes_every_study_of_its_source_and_no_other_source() -> None:
    standing = Announcement("c" * 32, 0, "PACS", standing=True)
    assert awaiting(replace(ARRIVAL, study_instance_uid=""), [standing]) == (standing,)
    assert awaiting(replace(ARRIVAL, calling_ae_title="CT1"), [standing]) == ()


def test_a_subscription_that_names_instances_takes_these_alone() -> None:
    standing = Announcement("c" * 32, 0, "PACS", "", frozenset({"1.3.1"}), standing=True)
    assert awaiting(ARRIVAL, [standing]) == (standing,)
    assert awaiting(replace(ARRIVAL, sop_instance_uid="1.3.9"), [standing]) == ()


def test_an_announcement_that_says_nothing_awaits_nothing() -> None:
    silent = Announcement("d" * 32, 0, "PACS")
    assert awaiting(ARRIVAL, [silent]) == ()
    assert awaiting(replace(ARRIVAL, study_instance_uid=""), [silent]) == ()


@given(arrivals, st.lists(announcements, max_size=4))
def test_a_study_that_need_not_be_read_changes_nothing(arrival: Arrival, open_ones: list[Announcement]) -> None:
    unread = replace(arrival, study_instance_uid="")
    if not needs_study(unread, open_ones):
        assert awaiting(unread, open_ones) == awaiting(arrival, open_ones)


@given(arrivals, st.lists(announcements, max_size=4))
def test_reading_the_study_never_takes_an_instance_from_anybody(
    arrival: Arrival, open_ones: list[Announcement]
) -> None:
    assert set(awaiting(replace(arrival, study_instance_uid=""), open_ones)) <= set(awaiting(arrival, open_ones))


@given(arrivals, announcements, st.lists(announcements, max_size=4))
def test_whether_one_awaits_does_not_depend_on_the_others(
    arrival: Arrival, one: Announcement, others: list[Announcement]
) -> None:
    assert (one in awaiting(arrival, [one])) == (one in awaiting(arrival, [*others, one]))


@given(arrivals, announcements)
def test_what_is_awaited_agrees_in_name_study_or_subscription(arrival: Arrival, one: Announcement) -> None:
    if awaiting(arrival, [one]):
        named = arrival.sop_instance_uid in one.sop_instance_uids
        of_study = one.study_instance_uid == arrival.study_instance_uid
        subscribed = one.standing and not one.study_instance_uid
        assert named or of_study or subscribed
        assert one.calling_ae_title in {"", arrival.calling_ae_title} or (
            one.message_id == arrival.move_originator_message_id
        )
