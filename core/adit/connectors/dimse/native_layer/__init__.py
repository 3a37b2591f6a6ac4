"""Associations by our own upper layer (adit.dimse)."""
