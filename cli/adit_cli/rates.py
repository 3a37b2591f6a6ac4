"""How fast a job moves over the last seconds, and how long it will take at the pace so far: pure."""

from dataclasses import dataclass

WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What had been moved at one moment (seconds of a monotonic clock); `fraction` of the job, 0 to 1."""

    at: float
    instances: int
    bytes: int
    fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """The very first sample, and those of the last seconds, oldest first."""

    first: Sample | None = None
    samples: tuple[Sample, ...] = ()

    def with_sample(self, sample: Sample) -> "Rates":
        """One more sample; those older than the window are dropped, but for the newest of them."""
        recent = [known for known in self.samples if sample.at - known.at <= WINDOW_SECONDS]
        older = self.samples[: len(self.samples) - len(recent)][-1:]
        return Rates(self.first or sample, (*older, *recent, sample))

    def __str__(self) -> str:
        first, last = (self.samples[0], self.samples[-1]) if self.samples else (None, None)
        if first is None or last is None or last.at <= first.at or last.instances <= first.instances:
            return ""
        seconds = last.at - first.at
        instances, megabytes = (last.instances - first.instances) / seconds, (last.bytes - first.bytes) / seconds / 1e6
        return f"{instances:.0f} inst/s {megabytes:.1f} MB/s"

    @property
    def seconds_left(self) -> int | None:
        """How long the rest takes at the pace since the first sample; None where nothing has moved yet."""
        last = self.samples[-1] if self.samples else None
        if self.first is None or last is None or last.fraction <= self.first.fraction or last.fraction >= 1:
            return None
        pace = (last.fraction - self.first.fraction) / max(last.at - self.first.at, 0.001)
        return round((1 - last.fraction) / pace)
