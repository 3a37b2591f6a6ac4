"""What a Query asks of QIDO-RS (PS3.18 §10.6.1): resource, matching parameters and the attributes wanted in return."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote_plus

from adit.errors import BadInput
from adit.query import Level, Query
from adit.transfer.part10 import is_uid

# Plain in a query by RFC 3986 §3.4. Orthanc's plugin (1.7) does not decode what is percent-encoded: a wildcard sent as
# %2A finds nothing there, and nobody else minds a plain one.
_PLAIN = "*?()!$',:@/-._~"
_ENCODED = re.compile(r"\*?(%[0-9A-F]{2})+\*?")

_PATIENT = ("PatientBirthDate", "PatientSex")
_STUDY = (
    *_PATIENT,
    "StudyDescription",
    "ModalitiesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
_SERIES = ("SeriesDescription", "SeriesNumber", "Modality", "NumberOfSeriesRelatedInstances")
_FIELDS = {Level.PATIENT: _PATIENT, Level.STUDY: _STUDY, Level.SERIES: _SERIES, Level.IMAGE: ("InstanceNumber",)}
_KEYS = {Level.PATIENT: "0020000D", Level.STUDY: "0020000D", Level.SERIES: "0020000E", Level.IMAGE: "00080018"}


@dataclass(frozen=True, slots=True)
class Search:
    """One search: answers at `level`, below a study and a series where they are given.

    `single` where at most one answer can match, so that no second page need be asked for.
    """

    level: Level
    study_uid: str | None
    series_uid: str | None
    filters: Mapping[str, str]
    single: bool

    @property
    def fields(self) -> tuple[str, ...]:
        """The attributes to return that a server may leave out by default."""
        return _FIELDS[self.level]

    def key(self, row: Mapping[str, Any]) -> str:
        """What tells one answer from another: its UID; the whole answer where it lacks that."""
        match row.get(_KEYS[self.level]):
            case {"Value": [str(value), *_]}:
                return value
        return repr(row)

    def loosened(self) -> "Search | None":
        """The same with a wildcard for what had to be percent-encoded; None where nothing was.

        For servers that do not decode it and so find nothing: `matches` then sorts out what is too much.
        """
        loose = {name: _ENCODED.sub("*", wire_value(value)) for name, value in self.filters.items()}
        return None if loose == dict(self.filters) else replace(self, filters=loose)


def searches_for(query: Query) -> tuple[Search, ...]:
    """The searches whose answers together are those of the query: one per modality where it names several.

    QIDO-RS matches a single modality only, and has no patient level: studies stand in for their patients. The series
    number is left to `matches`: a server that compares text finds no "01" for 1.
    """
    study = _uids(query.study_instance_uid)
    series = _uids(query.series_instance_uid)
    instance = _uids(query.sop_instance_uid)
    below_study = len(study) == 1 and query.level in (Level.SERIES, Level.IMAGE)
    below_series = below_study and len(series) == 1 and query.level is Level.IMAGE
    keys: dict[str, str] = {}
    if not below_study:
        keys |= {
            "PatientID": query.patient_id,
            "PatientName": query.patient_name,
            "PatientBirthDate": query.patient_birth_date,
            "StudyInstanceUID": ",".join(study),
            "AccessionNumber": query.accession_number,
            "StudyDate": query.study_date,
            "StudyTime": query.study_time,
            "StudyDescription": query.study_description,
        }
    if query.level in (Level.SERIES, Level.IMAGE) and not below_series:
        keys |= {
            "SeriesInstanceUID": ",".join(series),
            "SeriesDescription": query.series_description,
        }
    if query.level is Level.IMAGE:
        keys["SOPInstanceUID"] = ",".join(instance)
    search = Search(
        level=query.level,
        study_uid=study[0] if below_study else None,
        series_uid=series[0] if below_series else None,
        filters={name: value for name, value in keys.items() if value},
        single=len({Level.STUDY: study, Level.SERIES: series, Level.IMAGE: instance}.get(query.level, ())) == 1,
    )
    modality = "Modality" if query.level in (Level.SERIES, Level.IMAGE) else "ModalitiesInStudy"
    if not query.modalities or below_series:
        return (search,)
    return tuple(replace(search, filters={**search.filters, modality: value}) for value in query.modalities)


def wire_value(value: str) -> str:
    """A value as it goes into the URL: encoded only where RFC 3986 demands it."""
    return quote(value, safe=_PLAIN)


def wire_query(query: str) -> str:
    """A query string that was form-encoded, encoded anew as `wire_value` does."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{name}={wire_value(unquote_plus(value))}" for name, _, value in pairs)


def _uids(value: str) -> tuple[str, ...]:
    """The UIDs of a key (PS3.4 C.2.2.2.2), each fit to become a part of a path."""
    found = tuple(value.split("\\")) if value else ()
    if not all(map(is_uid, found)):
        raise BadInput("the query holds something that is not a UID where a UID must stand")
    return found
