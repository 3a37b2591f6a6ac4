"""Openings that are counted, for tests of how many associations something costs."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class CountedOpenings:
    """An Openings (connectors/openings.py): the seconds of each that was opened, the reasons of those that were not."""

    seconds: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def opened(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def failed(self, reason: str) -> None:
        self.reasons.append(reason)
