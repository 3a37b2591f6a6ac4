"""A fetch from its first C-GET to its outcome: what could not be sent is asked for once more in a way that fits it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom import Dataset

from adit.api.dicom_server import QueryModel
from adit.connectors.dimse.association import Association
from adit.connectors.dimse.contexts import for_get, for_get_of
from adit.connectors.dimse.get import Tally, identifiers, instances, send_get
from adit.connectors.dimse.session import Session
from adit.connectors.pace import Pace
from adit.dimse.negotiation import Proposal
from adit.errors import AditError
from adit.query import Level, Query, Selection
from adit.transfer.instance import Instance

Find = Callable[[Query], Iterator[Dataset]]


@dataclass(frozen=True, slots=True)
class Fetch:
    """What to fetch, how and whereto; `find` asks the same peer, where it can be asked."""

    session: Session
    model: QueryModel
    find_models: tuple[QueryModel, ...]
    character_set: str
    selection: Selection
    spool: Path
    find: Find
    pace: Pace
    sop_classes: tuple[str, ...] = ()
    """What is selected, as far as a search told before."""
    tally: Tally = field(default_factory=Tally)

    def run(self) -> Iterator[Instance]:
        """Yield what comes; then raise what went wrong."""
        if self.sop_classes:
            proposals = for_get_of(self.model, self.sop_classes, self.find_models)
        else:
            proposals = for_get(self.model, self.find_models)
        for identifier in identifiers(self.selection):
            yield from self._get(identifier, proposals, self.tally)
        if self.tally.failed and self.find_models:
            yield from self._once_more()
        error = self.tally.outcome(self.session.peer.name)
        if error is not None:
            raise error

    def _once_more(self) -> Iterator[Instance]:
        """Ask for what the peer could not send, with contexts made for it.

        Private SOP classes are in no list, and in one context a peer chooses one syntax for all instances of a class,
        so that it cannot send the others as they are. A C-FIND tells which SOP classes are missing.
        """
        try:
            listed = list(held(self.find, self.selection))
        except AditError:
            return  # that some failed is what the caller has to know, and is raised after this
        missing = [one for one in listed if one.sop_instance_uid not in self.tally.received]
        if not missing:
            return
        proposals = for_get_of(self.model, (one.sop_class_uid for one in missing), self.find_models)
        again = Tally()
        for identifier in identifiers(narrowed(self.selection, missing)):
            yield from self._get(identifier, proposals, again)
        self.tally.settle(again, [one.sop_instance_uid for one in missing])

    def _get(self, identifier: Dataset, proposals: Sequence[Proposal], tally: Tally) -> Iterator[Instance]:
        def send(association: Association) -> None:
            association.receive_into(self.spool)
            self.pace.began()
            send_get(association, self.model, identifier, self.selection.patient_id, self.character_set)

        self.pace.turn()
        with self.session.exchange(proposals, send) as (association, first):
            yield from instances(association, first, tally)


@dataclass(frozen=True, slots=True)
class Held:
    """An instance that the peer says it holds."""

    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str


def held(find: Find, selection: Selection) -> Iterator[Held]:
    """The selected instances, as far as a C-FIND tells their SOP class."""
    wanted = Query(Level.SERIES, patient_id=selection.patient_id, study_instance_uid=selection.study_instance_uid)
    named = dict(selection.sop_instance_uids)
    series = list(dict.fromkeys((*selection.series_instance_uids, *named)))
    for uid in series or [str(one.SeriesInstanceUID) for one in find(wanted) if "SeriesInstanceUID" in one]:
        for image in find(replace(wanted, level=Level.IMAGE, series_instance_uid=uid)):
            one = Held(uid, str(image.get("SOPInstanceUID", "")), str(image.get("SOPClassUID", "")))
            if one.sop_class_uid and one.sop_instance_uid in named.get(uid, (one.sop_instance_uid,)):
                yield one


def narrowed(selection: Selection, instances: Iterable[Held]) -> Selection:
    """The selection of these instances only."""
    by_series: dict[str, list[str]] = {}
    for one in instances:
        by_series.setdefault(one.series_instance_uid, []).append(one.sop_instance_uid)
    chosen = tuple((series, tuple(uids)) for series, uids in by_series.items())
    return replace(selection, series_instance_uids=(), sop_instance_uids=chosen)
