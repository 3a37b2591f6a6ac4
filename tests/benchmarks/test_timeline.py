"""The timeline of a first image: a watch that tells late does not turn the order of things around."""

from benchmarks.control.first_image import steps_of
from benchmarks.control.timeline import CLAIMED, JOB_MADE, STORED, Timeline


def test_a_claim_that_is_told_after_the_image_was_before_it() -> None:
    run = Timeline({JOB_MADE: 11.0, STORED: 12.0, CLAIMED: 12.5}).since(10.0)
    assert run == {JOB_MADE: 1.0, CLAIMED: 2.0, STORED: 2.0}
    assert steps_of([run]) == [JOB_MADE, CLAIMED, STORED]
