"""Window: when a server may be worked with, by the clock on the wall of its time zone; adit.windows calculates with it.

The names of time zones are those of the package tzdata, so that every machine and every image knows the same ones.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from adit.api.fields import START_PATTERN, STOP_PATTERN, TIME_ZONE_PATTERN
from adit.api.model import Model
from adit.api.rules import Rule, validations

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
DAYS: tuple[Day, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_WINDOWS = 20
# A function of CEL that fails where the API server does not know the zone; what it answers does not matter. Its machine
# has more names than the database: of its own time, and of copies that count in another way.
KNOWN_ZONE = Rule(
    "!self.matches('^(Local|localtime|posixrules|(posix|right)/.*)$')"
    " && timestamp('2000-01-01T00:00:00Z').getHours(self) >= 0",
    "must be a time zone that the IANA database knows (such as UTC or Europe/Berlin)",
)


@cache
def known_zones() -> frozenset[str]:
    """The names of the IANA database as the package tzdata brings it."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def _known(name: str) -> str:
    if name not in known_zones():
        raise ValueError(KNOWN_ZONE.message)
    return name


TimeZone = Annotated[
    str,
    StringConstraints(pattern=TIME_ZONE_PATTERN, max_length=64),
    AfterValidator(_known),
    Field(json_schema_extra=validations(KNOWN_ZONE)),
]


class Window(Model):
    """From `start` to `end` on each of its days by the clock of `timeZone`, over midnight where `end` is not later."""

    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)] = DAYS
    """The days on which it opens; over midnight it closes on the day after."""
    start: Annotated[str, StringConstraints(pattern=START_PATTERN, max_length=5)]
    """When it opens, as "22:00"."""
    end: Annotated[str, StringConstraints(pattern=STOP_PATTERN, max_length=5)]
    """When it closes, as "06:00"; not later than `start` means the next day, the same time 24 hours later."""
    time_zone: TimeZone = "UTC"
    """The time zone of `start` and `end`, by its name in the IANA database."""
    hard: bool = False
    """Whether its end interrupts the task in hand; otherwise no further task is begun."""
