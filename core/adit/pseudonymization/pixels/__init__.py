"""Blanks known regions of burned-in text, in native pixels and in JPEG baseline; the only room that touches pixels."""
