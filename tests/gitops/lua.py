"""Lua 5.1 as Argo CD runs it: the base, table and package libraries, a clock, and nothing else."""

from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime, lua_type

SCRIPTS = Path(__file__).resolve().parents[2] / "docs/gitops/argocd/adit.dev"
# Argo CD loads none of these; its `os` tells the time only.
_SANDBOX = """
local clock = {time = os.time, date = os.date}
os, package.loaded.os = clock, clock
io, debug, string, math, coroutine, dofile, loadfile, python = nil, nil, nil, nil, nil, nil, nil, nil
"""


def run(script: Path, manifest: dict[str, Any]) -> Any:
    """What a script returns for an object, as JSON; the object is its own."""
    lua = LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    lua.execute(_SANDBOX)
    lua.globals().obj = _into(lua, manifest)
    return _out_of(lua.execute(script.read_text("utf-8")))


def health(manifest: dict[str, Any]) -> tuple[str, str]:
    """Argo CD's health of an object: the word, and the message."""
    answer = run(SCRIPTS / manifest["kind"] / "health.lua", manifest)
    return answer["status"], answer["message"]


def actions(manifest: dict[str, Any]) -> set[str]:
    """The actions that are offered for a TransferJob."""
    offered = run(SCRIPTS / "TransferJob/actions/discovery.lua", manifest)
    return {name for name, told in offered.items() if not told["disabled"]}


def acted(name: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """The object after an action; a list that Lua does not tell from a map is read as a list."""
    changed: dict[str, Any] = run(SCRIPTS / f"TransferJob/actions/{name}/action.lua", manifest)
    return changed


def _into(lua: LuaRuntime, value: Any) -> Any:
    if isinstance(value, dict):
        return lua.table_from({key: _into(lua, one) for key, one in value.items() if one is not None})
    if isinstance(value, list):
        return lua.table_from([_into(lua, one) for one in value])
    return value


def _out_of(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    items = {key: _out_of(one) for key, one in value.items()}
    if set(items) == set(range(1, len(items) + 1)):
        return [items[position] for position in sorted(items)]
    return items
