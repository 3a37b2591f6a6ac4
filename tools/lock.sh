#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml. What is pinned stays pinned; pass --upgrade (or -P NAME) to move.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-header "$@" >/dev/null
}

compile "$@" --extra all --group dev --output-file requirements/dev.txt
# The same versions for those who run it as for those who test it.
compile "$@" --extra cli --group build --constraint requirements/dev.txt --output-file requirements/run.txt
