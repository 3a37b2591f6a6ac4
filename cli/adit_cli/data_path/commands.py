"""Registers the four commands."""

from adit_cli.data_path import fetch, move, receive, send

__all__ = ["fetch", "move", "receive", "send"]
NAMES = frozenset({"fetch", "move", "receive", "send"})
