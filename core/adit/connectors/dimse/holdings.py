"""What the searches before a fetch told of the study: SOP classes, which it proposes, and names, which it awaits.

Only the study that was searched last is remembered, which is the one that is fetched next.
"""

from dataclasses import replace

from pydicom import Dataset

from adit.query import Level, Query, Selection

MAX_SERIES = 10_000
MAX_NAMES = 100_000


class Holdings:
    """SOP classes by series; a series stands here with none until its instances were named."""

    def __init__(self) -> None:
        self._study = ""
        self._classes: dict[str, set[str]] = {}
        self._patient = ""
        self._series: tuple[str, ...] | None = None
        self._names: dict[str, tuple[str, ...]] = {}
        self._coming: list[str] = []

    def begin(self, query: Query) -> None:
        """A search begins, whose answers follow; the names that an older one of the same told are forgotten."""
        self._coming = []
        self._names.pop(query.series_instance_uid, None)
        if query.level is Level.SERIES:
            self._series, self._names = None, {}

    def end(self, query: Query) -> None:
        """It has told all that it had to; of one that was narrower than a study or a series nothing is kept."""
        whole = Query(query.level, patient_id=query.patient_id, study_instance_uid=query.study_instance_uid)
        coming, self._coming = tuple(self._coming), []
        if query.study_instance_uid != self._study or "" in coming:
            return
        if query.level is Level.SERIES and query == whole:
            self._patient, self._series = query.patient_id, coming
        elif query.level is Level.IMAGE and query == replace(whole, series_instance_uid=query.series_instance_uid):
            held = sum(map(len, self._names.values()))
            if query.patient_id == self._patient and held + len(coming) <= MAX_NAMES:
                self._names[query.series_instance_uid] = coming

    def note(self, query: Query, answer: Dataset) -> None:
        """Take in an answer to a search of series or instances."""
        if query.level not in (Level.SERIES, Level.IMAGE) or not query.study_instance_uid:
            return
        if query.study_instance_uid != self._study:
            self._study, self._classes = query.study_instance_uid, {}
            self._series, self._names = None, {}
        if len(self._coming) <= MAX_NAMES:
            keyword = "SeriesInstanceUID" if query.level is Level.SERIES else "SOPInstanceUID"
            self._coming.append(str(answer.get(keyword) or ""))
        series = query.series_instance_uid or str(answer.get("SeriesInstanceUID") or "")
        if len(self._classes) < MAX_SERIES or series in self._classes:
            known = self._classes.setdefault(series, set())
            if query.level is Level.IMAGE:
                known.add(str(answer.get("SOPClassUID") or ""))

    def names(self, selection: Selection) -> dict[str, str]:
        """SOP UID → series of what is selected; nothing where the newest searches did not name all of it."""
        if selection.study_instance_uid != self._study or selection.patient_id != self._patient:
            return {}
        series = selection.series_instance_uids or self._series
        if self._series is None or series is None or selection.sop_instance_uids:
            return {}
        if not all(one in self._names for one in series):
            return {}
        return {uid: one for one in series for uid in self._names[one]}

    def classes(self, selection: Selection) -> tuple[str, ...]:
        """The SOP classes of what is selected; none where that is not known of every series, or of an instance."""
        if selection.study_instance_uid != self._study:
            return ()
        named = (uid for uid, _ in selection.sop_instance_uids)
        series = dict.fromkeys((*selection.series_instance_uids, *named)) or self._classes
        known = [self._classes.get(uid, set()) for uid in series]
        if not all(known) or any("" in one for one in known):
            return ()
        return tuple(sorted(set().union(*known)))
