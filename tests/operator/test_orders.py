from adit_operator.observed import Yield
from adit_operator.orders import Orders

ONE = Yield("set-1", "job-1", "AfterTask", "Preempted")
TWO = Yield("set-2", "job-2", "AfterTask", "Preempted")


def test_before_the_first_turn_nothing_was_said() -> None:
    assert (Orders().yields, Orders().spoken) == (None, False)


def test_whoever_is_told_something_else_than_before_is_named() -> None:
    orders = Orders()
    assert orders.give([ONE]) == {"job-1"}
    assert orders.give([ONE, TWO]) == {"job-2"}
    assert orders.give([TWO]) == {"job-1"}, "what is taken back is news as well"
    assert orders.give([TWO]) == frozenset()
    assert orders.give([Yield("set-2", "job-2", "Now", "WindowClosed")]) == {"job-2"}


def test_what_was_counted_is_handed_out_once() -> None:
    orders = Orders()
    for reason in ("Preempted", "WindowClosed", "Preempted"):
        orders.evicted(reason)
    assert [orders.take_evicted(), orders.take_evicted()] == [{"Preempted": 2, "WindowClosed": 1}, {}]
