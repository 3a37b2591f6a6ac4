"""What in a text tells of somebody whoever it is: dates, people by their titles, numbers to reach or to find them by.

Called by the cleaning of free text, beside what is known of the patient. Texts come with single spaces.
"""

import re
from collections.abc import Callable, Collection, Iterator

Span = tuple[int, int]

_LEAST_DIGITS = 6
_UID_PARTS = 5

_TITLE = re.compile(
    r"(?<!\w)(?:"
    r"(?:(?i:prof(?:essor(?:in)?)?|doctor|doktor|dott(?:oressa|ore)?|herrn?|frau|mme|mlle|madame|monsieur"
    r"|señora?|geborene[rn]?|n[ée]e)|Dr|dr|Mr|Mrs|Ms|Miss"  # MR, MRS, MS and DR alone are no persons
    r"|(?i:dr|mr|mrs|ms|hr|fr|sra?|geb)(?=\.))(?:\. ?| ))+"
    r"(?:(?i:med|rer|nat|phil|habil|dent|vet|univ|h\.? ?c)\. ?)*"
    r"(?:[^\W\d_]\. ?)*"
    r"(?:(?i:von|vom|van|zu|zum|zur|de|del|della|den|der|des|di|da|dos|du|la|le|el|al|bin|ben|ten|ter) )*"
    r"[^\W\d_][\w'\u2019-]*(?: [A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ][\w'\u2019-]*)?"
)
_MONTH = (
    r"(?i:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
    r"|januar|jänner|februar|feber|märz|mai|juni|juli|oktober|dezember|mär|okt|dez"
    r"|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre)"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_NTH = r"(?:st|nd|rd|th)?"
_MONTH_NUMBER = r"(?:0?[1-9]|1[0-2])"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\d)\d{4} ?[-/._ ] ?\d{1,2} ?[-/._ ] ?\d{1,2}(?!\d)",
        rf"(?<![\d.]){_DAY} ?[-/._ ] ?{_DAY} ?[-/._ ] ?\d{{4}}(?!\d)",
        rf"(?<![\d.]){_DAY}[-/._]{_DAY}[-/._]\d{{2}}(?![\d.])",
        rf"(?<![\d.]){_MONTH_NUMBER}[-/.](?:19|20)\d\d(?!\d)",
        rf"(?<!\d){_DAY}{_NTH}[-. ]{{0,2}}(?:(?:of|de) )?{_MONTH}(?![^\W\d_])[-., ]{{0,2}}(?:\d{{4}}|\d\d)?(?!\d)",
        rf"(?<!\w){_MONTH}\.? ?{_DAY}{_NTH}(?!\w)(?:,? ?\d{{4}})?",
        rf"(?<!\w){_MONTH}\.?[-, ]{{1,2}}\d{{4}}(?!\d)",
    )
)
_TELEPHONE = re.compile(r"(?<!\w)(?:\+ ?\d|\(|0[1-9]|00)[-\d ()/.]{4,24}\d|(?<!\d)(?:\d{3}[-. ])?\d{3}[-.]\d{4}(?!\d)")
_LONG_NUMBER = re.compile(r"\d{6}")
_UID = re.compile(r"(?<![\w.])\d+(?:\.\d+)+")
_TOKEN = re.compile(r"[\w-]+")
_CHUNK = re.compile(r"\S+")


def telltales(text: str, uids: Collection[str]) -> Iterator[Span]:
    """Where they stand, from and to, in no order. A UID has five parts at least, or is one of `uids`."""
    for pattern in (_TITLE, *_DATES):
        yield from (found.span() for found in pattern.finditer(text))
    yield from _where(_TELEPHONE, text, lambda found: sum(map(str.isdigit, found)) >= _LEAST_DIGITS)
    yield from _where(_TOKEN, text, lambda found: _LONG_NUMBER.search(found) is not None)
    yield from _where(_CHUNK, text, _is_address)
    yield from _where(_UID, text, lambda found: found.count(".") >= _UID_PARTS - 1 or found in uids)


def _where(pattern: re.Pattern[str], text: str, tells: Callable[[str], bool]) -> Iterator[Span]:
    return (found.span() for found in pattern.finditer(text) if tells(found[0]))


def _is_address(chunk: str) -> bool:
    return "@" in chunk or "://" in chunk or chunk[:4].casefold() == "www."
