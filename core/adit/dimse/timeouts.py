"""How long each step of an association may take; every one ends in an error of ours, never in a hang."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `connect` counts per address; `response` is the longest silence within a message or before an answer.

    `association` is the ARTIM timer of PS3.8 9.1.5 (the answer to A-ASSOCIATE-RQ, and the request itself where we
    listen); `idle` how long a server waits for the next request.
    """

    connect: float = 10
    association: float = 30
    response: float = 60
    release: float = 5
    idle: float = 300
