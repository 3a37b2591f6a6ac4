#!/usr/bin/env bash
# Writes requirements/*.txt from pyproject.toml. What is pinned stays pinned; pass --upgrade (or -P NAME) to move.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-header "$@" >/dev/null
}

compile pyproject.toml "$@" --extra all --group dev --output-file requirements/dev.txt
# The same versions for those who run it as for those who test it.
compile pyproject.toml "$@" --extra cli --group build --constraint requirements/dev.txt --output-file requirements/run.txt
# One for each image: what its program needs, and what builds the wheel of this project in its first stage.
for image in operator jobrunner receiver; do
  compile pyproject.toml "$@" --extra "$image" --constraint requirements/dev.txt --output-file "requirements/$image.txt"
done
compile "$@" --group build --constraint requirements/dev.txt --output-file requirements/build.txt
compile "$@" --group go --output-file requirements/go.txt
