"""Free text without whom it names: what a rule that says Clean leaves of a description, a comment, a text of a report.

Works on the decoded text and on what is known of the patient; the residue search looks at the result once more.
What nobody told it, such as the bare name of a relative, it cannot find.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from adit.pseudonymization.identifiers import SHORTEST, Identifiers
from adit.pseudonymization.spellings import spellings
from adit.pseudonymization.telltales import Span, telltales

_ROUNDS = 8
_CJK = "\u2e80"  # from here on nothing parts words
_SPACE = re.compile(r"(?:[^\S\r\n]|\0)+")
# Soft hyphens, joiners and marks of direction: nobody sees them, and a name with one inside is still read.
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_END_OF_LINE = re.compile(r" ?(\r\n|\n|\r) ?")
_PART = re.compile(r"[^\W_]+")
_MOST_BETWEEN = 3
_NEVER = re.compile(r"(?!)")


def cleaned(text: str, identifiers: Identifiers) -> str:
    """The text without identifiers, dates, titles with who bears them, e-mail, web, telephone, long numbers and UIDs.

    Words of identifiers go wherever they stand, together with the word around them (SMITH in Smithsons), `short` ones
    as whole words. Case, accents, punctuation inside, and the ways to write ä, ö, ü, ß do not matter. Of a number 6
    digits in a row are long. Spaces are collapsed, ends of lines stay. Rather too much goes than too little: the word
    behind a title, and a second one that begins with a capital.
    """
    left = _tidy(_UNSEEN.sub("", unicodedata.normalize("NFC", text)))
    for _ in range(_ROUNDS):  # what was removed may have parted two halves of a name
        spans = sorted(_spans(left, identifiers))
        if not spans:
            return left
        left = _tidy(_without(left, spans))
    return ""


def _tidy(text: str) -> str:
    return _END_OF_LINE.sub(r"\1", _SPACE.sub(" ", text)).strip()


def _without(text: str, spans: Iterable[Span]) -> str:
    """The text with a space for every span; they come in order and may overlap."""
    kept, at = [], 0
    for start, end in spans:
        if start >= at:
            kept.append(text[at:start])
        at = max(at, end)
    return " ".join([*kept, text[at:]])


def _spans(text: str, identifiers: Identifiers) -> Iterator[Span]:
    anywhere, whole = _patterns(identifiers.words, identifiers.short)
    behind = 0
    for found in anywhere.finditer(text):
        if found.end() > behind:  # else it stands in a word that goes already
            span = _word_around(text, *found.span())
            behind = span[1]
            yield span
    yield from (found.span() for found in whole.finditer(text))
    yield from telltales(text, identifiers.uids)


def _word_around(text: str, start: int, end: int) -> Span:
    while start > 0 and text[start - 1].isalnum() and text[start - 1] < _CJK:
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end] < _CJK:
        end += 1
    return start, end


@lru_cache(maxsize=64)
def _patterns(words: frozenset[str], short: frozenset[str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What is searched anywhere, and what as whole words."""
    anywhere = {_written(word) for word in words}
    whole = {_written(word) for word in short}
    return _any_of(anywhere), _any_of(whole, r"(?<![^\W\d_])", r"(?![^\W\d_])")


def _written(word: str) -> str:
    """A pattern for a word with anything, or nothing, between its parts; between very short ones there is something."""
    said = unicodedata.normalize("NFC", word).casefold()
    parts = _PART.findall(said)
    least = 0 if sum(map(len, parts)) >= SHORTEST else 1
    most = max(_MOST_BETWEEN, *map(len, _PART.split(said)))
    return f"[\\W_]{{{least},{most}}}".join(map(spellings, parts))


def _any_of(patterns: set[str], before: str = "", behind: str = "") -> re.Pattern[str]:
    """Longest first, so that a whole name goes before its half."""
    said = patterns - {""}
    if not said:
        return _NEVER
    one = "|".join(sorted(said, key=lambda pattern: (-len(pattern), pattern)))
    return re.compile(f"{before}(?:{one}){behind}", re.IGNORECASE)
