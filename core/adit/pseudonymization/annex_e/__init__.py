"""PS3.15 Annex E: the standard's table of attributes and what is done to them, as data."""
