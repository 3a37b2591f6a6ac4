"""Associations by pynetdicom, for a peer that is at odds with our own upper layer (spec.dimse.implementation)."""
