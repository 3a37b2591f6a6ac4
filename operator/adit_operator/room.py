"""Room: the slots that each endpoint has left during one decision, now and when those who leave have left."""

from collections import Counter
from collections.abc import Iterable, Mapping

from adit_operator.slots import Allocation, Cap


class Room:
    """What is free may be given away; what is coming may only be promised. A promise is taken off like a start."""

    def __init__(self, caps: Mapping[str, Cap], allocation: Allocation) -> None:
        self._free = Counter({name: cap.slots - allocation.slots[name] for name, cap in caps.items()})
        self._coming: Counter[str] = Counter()

    def full(self, need: Mapping[str, int]) -> tuple[str, ...]:
        """The endpoints that lack free slots for this."""
        return tuple(name for name, count in need.items() if count > self._free[name])  # guard: cap

    def shortage(self, need: Mapping[str, int]) -> Counter[str]:
        """How many slots are lacking even when everybody who leaves has left."""
        left = {name: count - self._free[name] - self._coming[name] for name, count in need.items()}
        return Counter({name: count for name, count in left.items() if count > 0})

    def first_in_line(self, names: Iterable[str]) -> bool:
        """Whether nobody was promised more of these endpoints than comes."""
        return all(self._free[name] + self._coming[name] >= 0 for name in names)

    def excess(self, name: str) -> int:
        """How many more are taken than there are, when everybody who leaves has left."""
        return max(0, -self._free[name] - self._coming[name])

    def take(self, need: Mapping[str, int]) -> None:
        """Give slots away, or promise them."""
        self._free.subtract(need)

    def leave(self, endpoints: Iterable[str]) -> None:
        """Somebody will leave these."""
        self._coming.update(endpoints)
