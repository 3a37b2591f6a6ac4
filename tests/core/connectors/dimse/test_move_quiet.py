"""How long a C-MOVE is waited for behind its final answer: as long as something may still be on its way, no longer."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from adit.errors import PermanentError, RetryableError
from adit.testing.faults import Faults
from adit.testing.moves import MoveWorld


def refuse(_query: object) -> Iterator[object]:
    raise PermanentError("no image level", reason="QueryRefused")


def unnamed(world: MoveWorld, quiet: float) -> tuple[set[str], RetryableError | None]:
    """What comes of a source that names nothing, and what is raised after it."""
    came: set[str] = set()
    with world.fetching(quiet=quiet) as fetch:
        fetch.find = refuse  # type: ignore[assignment] # it yields nothing
        try:
            came.update(one.sop_instance_uid for one in fetch.run())
        except RetryableError as error:
            return came, error
    return came, None


def test_without_names_and_counts_what_comes_late_is_waited_for(world: MoveWorld) -> None:
    world.source.faults = Faults(omit_counts=True)
    world.late = 0.5
    assert unnamed(world, quiet=0.8) == (world.uids, None)


def test_without_names_and_counts_nothing_at_all_is_no_success(world: MoveWorld) -> None:
    world.source.faults, world.receiver.faults = Faults(omit_counts=True), Faults(drop_every_nth_stored=1)
    came, error = unnamed(world, quiet=0.3)
    assert came == set()
    assert error is not None
    assert "without saying how many" in error.message


def test_how_long_the_caller_takes_is_no_silence_of_the_source(world: MoveWorld) -> None:
    series, uids = world.named().sop_instance_uids[0]
    world.gap = 0.25
    with world.fetching(replace(world.named(), sop_instance_uids=((series, uids[:3]),)), quiet=0.4) as fetch:
        came = 0
        for _ in fetch.run():
            came += 1
            time.sleep(0.5)
    assert (came, len(world.source.requests)) == (3, 1)


def test_where_nobody_takes_any_more_it_is_canceled_at_once_and_not_asked_for_again(world: MoveWorld) -> None:
    world.source.faults, world.receiver.faults = Faults(delay_per_instance=0.2), Faults(drop_every_nth_stored=2)
    with world.fetching(world.named(), quiet=30) as fetch:
        running = fetch.run()
        next(running)
        began = time.monotonic()
        threading.Timer(0.1, setattr, (fetch, "wanted", False)).start()
        list(running)
        assert time.monotonic() - began < 1.5
        assert not fetch.session.aborted
    assert len(world.source.requests) == 1


def test_an_instance_that_is_on_its_way_from_the_receiver_is_a_sign_of_life(world: MoveWorld) -> None:
    world.late = 0.6
    world.still_coming = True
    came, error = world.fetch(world.named(), quiet=0.3)
    assert (error, set(came), len(world.source.requests)) == (None, world.uids, 1)
