"""A look has its limit, also where nobody can end it."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from adit.diagnosis.limits import TookTooLong, within

NEVER_ENDS = """
import asyncio, time
from adit.diagnosis.limits import TookTooLong, within
try:
    asyncio.run(within(0.1, lambda: time.sleep(60)))
except TookTooLong:
    print("left", flush=True)
"""


async def test_what_a_look_gives_is_given_on() -> None:
    assert await within(5, lambda: 42) == 42


async def test_what_a_look_raises_is_raised() -> None:
    def look() -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await within(5, look)


async def test_a_look_that_takes_too_long_is_aborted() -> None:
    aborted = threading.Event()
    with pytest.raises(TookTooLong):
        await within(0.05, lambda: aborted.wait(30), aborted.set)
    assert aborted.is_set()


async def test_who_leaves_earlier_aborts_it_too() -> None:
    aborted = threading.Event()
    looking = asyncio.create_task(within(30, lambda: aborted.wait(30), aborted.set))
    await asyncio.sleep(0.05)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert aborted.is_set()


def test_a_look_that_nobody_can_abort_does_not_hold_the_exit() -> None:
    started = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-c", NEVER_ENDS], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    assert told == "left\n"
    assert time.monotonic() - started < 20


def test_an_answer_that_comes_when_everybody_has_left_disturbs_nobody() -> None:
    late = threading.Event()
    with pytest.raises(TookTooLong):
        asyncio.run(within(0.05, lambda: late.wait(30)))
    late.set()
    time.sleep(0.1)  # pytest fails for what a thread does not catch
