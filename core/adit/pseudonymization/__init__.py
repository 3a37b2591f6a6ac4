"""Identified instance in, de-identified instance out: keyed, repeatable, without I/O."""
