"""The one policy: which of the listed series may leave at all; what is excluded here is never fetched."""

from collections.abc import Iterable
from dataclasses import dataclass

from adit.transfer.listing import ListedSeries, Listing

MODALITY_EXCLUDED = "ModalityExcluded"


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one transfer; `exclude_modalities` only where a profile pseudonymizes (EXCLUDE_MODALITIES)."""

    exclude_modalities: frozenset[str] = frozenset()

    def excludes(self, modality: str) -> str:
        """The name of the rule that keeps this modality back, empty where none does.

        An unknown modality passes here: the rewriter reads it from the header and applies the same rule.
        """
        return MODALITY_EXCLUDED if modality in self.exclude_modalities else ""


@dataclass(frozen=True, slots=True)
class Selected:
    """The series that leave, and those kept back with the rule's name."""

    leaving: tuple[ListedSeries, ...]
    excluded: tuple[tuple[ListedSeries, str], ...]


def policy_for(*, pseudonymized: bool, exclude_modalities: Iterable[str]) -> Policy:
    """The policy of a transfer: identified data is moved whole, as ADIT does."""
    return Policy(frozenset(exclude_modalities) if pseudonymized else frozenset())


def select(listing: Listing, policy: Policy) -> Selected:
    """Which series may leave."""
    ruled = [(series, policy.excludes(series.modality)) for series in listing.series]
    return Selected(
        tuple(series for series, rule in ruled if not rule), tuple((series, rule) for series, rule in ruled if rule)
    )
