"""What the searches before a fetch told of the study: its SOP classes, so that the fetch proposes just those.

Only the study that was searched last is remembered, which is the one that is fetched next.
"""

from pydicom import Dataset

from adit.query import Level, Query, Selection

MAX_SERIES = 10_000


class Holdings:
    """SOP classes by series; a series stands here with none until its instances were named."""

    def __init__(self) -> None:
        self._study = ""
        self._classes: dict[str, set[str]] = {}

    def note(self, query: Query, answer: Dataset) -> None:
        """Take in an answer to a search of series or instances."""
        if query.level not in (Level.SERIES, Level.IMAGE) or not query.study_instance_uid:
            return
        if query.study_instance_uid != self._study:
            self._study, self._classes = query.study_instance_uid, {}
        series = query.series_instance_uid or str(answer.get("SeriesInstanceUID") or "")
        if len(self._classes) < MAX_SERIES or series in self._classes:
            known = self._classes.setdefault(series, set())
            if query.level is Level.IMAGE:
                known.add(str(answer.get("SOPClassUID") or ""))

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
