"""Fakes and builders that ship with the operator, for its own tests and for whoever drives it."""
