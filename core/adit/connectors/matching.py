"""Whether an answer really is one: peers ignore optional matching keys and return everything (PS3.4 C.2.2.1.3).

Pure, and used after C-FIND and QIDO alike. A key that the answer does not carry excludes nothing: the peer may match by
it without returning it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue

from adit.query import Level, Query


def matches(query: Query, answer: Dataset) -> bool:
    """Whether `answer` satisfies every matching key of `query` that it carries."""
    return all(
        not wanted or keyword not in answer or rule(wanted, _values(answer[keyword].value))
        for keyword, wanted, rule in _rules(query)
    ) and _modality_matches(query, answer)


Rule = Callable[[str, tuple[str, ...]], bool]


def _rules(query: Query) -> Iterable[tuple[str, str, Rule]]:
    return (
        ("PatientID", query.patient_id, _text),
        ("PatientName", query.patient_name, _name),
        ("PatientBirthDate", query.patient_birth_date, _date),
        ("StudyInstanceUID", query.study_instance_uid, _uid),
        ("SeriesInstanceUID", query.series_instance_uid, _uid),
        ("SOPInstanceUID", query.sop_instance_uid, _uid),
        ("AccessionNumber", query.accession_number, _text),
        ("StudyDate", query.study_date, _date),
        ("StudyDescription", query.study_description, _text),
        ("SeriesDescription", query.series_description, _text),
        ("SeriesNumber", query.series_number, _number),
    )


def _modality_matches(query: Query, answer: Dataset) -> bool:
    """Any of the wanted ones; ModalitiesInStudy is computed by the peer, so an empty one says nothing."""
    keyword = {Level.STUDY: "ModalitiesInStudy", Level.SERIES: "Modality"}.get(query.level)
    if not query.modalities or keyword is None or keyword not in answer:
        return True
    values = _values(answer[keyword].value)
    if keyword == "ModalitiesInStudy" and not any(values):
        return True
    return any(_wildcard(wanted, value) for wanted in query.modalities for value in values)


def _text(wanted: str, values: tuple[str, ...]) -> bool:
    return any(_wildcard(wanted.strip(), value) for value in values)


def _uid(wanted: str, values: tuple[str, ...]) -> bool:
    return bool(set(wanted.split("\\")) & set(values))


def _name(wanted: str, values: tuple[str, ...]) -> bool:
    """By the whole name or any of its component groups (alphabetic, ideographic, phonetic), case and padding apart."""
    pattern = _folded(wanted)
    candidates = (candidate for value in values for candidate in (value, *value.split("=")))
    return any(_wildcard(pattern, _folded(candidate)) for candidate in candidates)


def _date(wanted: str, values: tuple[str, ...]) -> bool:
    """A date or a range, open on either side; ACR-NEMA's dots are read over."""
    first, is_range, last = wanted.partition("-")
    if not is_range:
        last = first
    dates = (re.sub(r"[.\-]", "", value)[:8] for value in values)
    return any(date and (first or date) <= date <= (last or date) for date in dates)


def _number(wanted: str, values: tuple[str, ...]) -> bool:
    """Equal as integers, so that 1 finds 01; what is no integer is compared as text."""
    return any(_integer(wanted) == _integer(value) for value in values)


def _integer(value: str) -> int | str:
    return int(value) if re.fullmatch(r"\s*[+-]?[0-9]{1,12}\s*", value) else value.strip()


def _wildcard(pattern: str, value: str) -> bool:
    """PS3.4 C.2.2.2.4: * is any run of characters, ? is any one; everything else is itself."""
    parts = re.split(r"([*?]+)", pattern)
    expression = "".join(_run(part) if part[:1] in {"*", "?"} else re.escape(part) for part in parts)
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _run(wildcards: str) -> str:
    """A run of wildcards as one expression, so that no number of stars makes matching slow."""
    return "." * wildcards.count("?") + (".*" if "*" in wildcards else "")


def _folded(name: str) -> str:
    """Without case, compatibility forms and the empty components at the end of each group."""
    groups = unicodedata.normalize("NFC", name.casefold()).split("=")
    return "=".join("^".join(part.strip() for part in group.split("^")).rstrip("^") for group in groups).rstrip("=")


def _values(value: Any) -> tuple[str, ...]:
    """Every value as text without padding; none is one empty text."""
    if value is None:
        return ("",)
    if isinstance(value, (MultiValue, list, tuple)):
        return tuple(str(one).strip(" \0") for one in value) or ("",)
    return (str(value).strip(" \0"),)
