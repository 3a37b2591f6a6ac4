#!/usr/bin/env bash
# Installs one requirement file, hash by hash, and this project beside it into .venv. Where from is pip's own configuration.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "Installing $1"
pip=(.venv/bin/python -m pip --disable-pip-version-check install --quiet --progress-bar off)
"${pip[@]}" --require-hashes -r "$1"
# Its dependencies and its build tools are pinned above: nothing may be added behind the hashes.
"${pip[@]}" --no-deps --no-build-isolation --editable .
