"""The last fence before data leaves: whether an original identifier is still in the bytes that are about to.

It believes nothing that the rewriter thinks of its work. Most instances pass by a search for byte strings alone; only
where one is found are the elements walked, to name the attribute and to tell an identifier from a coincidence.
"""

from adit.pseudonymization.residue.search import IDENTIFIER_LEFT, UNREADABLE, Residue, ResidueSearch

__all__ = ["IDENTIFIER_LEFT", "UNREADABLE", "Residue", "ResidueSearch"]
