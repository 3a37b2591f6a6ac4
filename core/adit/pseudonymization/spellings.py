"""The ways in which one name is written: Müller, Mueller, Muller; for the search of names in free text."""

import re
import unicodedata

_DIGRAPHS = {"ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe", "œ": "oe", "ü": "ue", "å": "aa", "ß": "ss"}
_LETTERS = {digraph: [letter for letter, two in _DIGRAPHS.items() if two == digraph] for digraph in _DIGRAPHS.values()}
# In a run nobody knows which two letters are one: aaae, sss.
_RUN = re.compile(r"a{2,}e?|s{3,}")
_PIECE = re.compile("|".join([_RUN.pattern, *_LETTERS, "."]), re.DOTALL)
_EAST_ASIAN = "\u2e80"  # from here on it would be no accent that is taken off


def spellings(word: str) -> str:
    """A pattern, to be used without regard to case, that finds a casefolded word with and without accents."""
    return "".join(_any(piece) for piece in _PIECE.findall(word))


def _any(piece: str) -> str:
    if _RUN.fullmatch(piece):
        return (
            f"[aåäæe]{{{(len(piece) + 1) // 2},{len(piece)}}}"
            if piece[0] == "a"
            else f"[sß]{{{(len(piece) + 1) // 2},{len(piece)}}}"
        )
    if piece in _LETTERS:
        written = [piece, *_LETTERS[piece]]
    else:
        plain = unicodedata.normalize("NFD", piece)[0] if piece < _EAST_ASIAN else piece
        written = list(dict.fromkeys([piece, plain, *([_DIGRAPHS[piece]] if piece in _DIGRAPHS else [])]))
    return re.escape(written[0]) if len(written) == 1 else f"(?:{'|'.join(map(re.escape, written))})"
