#!/usr/bin/env bash
# Makes .venv with tools/python.sh's Python, unless a working one is there.
set -euo pipefail
cd "$(dirname "$0")/.."

if .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
  exit 0
fi

python=$(tools/python.sh)

# Debian splits ensurepip from its python3, and a .venv without it has no pip.
if ! "$python" -c 'import ensurepip' >/dev/null 2>&1; then
  package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if ! command -v apt-get >/dev/null; then
    echo "error: $python cannot make a virtual environment: its module ensurepip is missing. Install it and try again." >&2
    exit 1
  fi
  if [ "$(id -u)" != 0 ]; then
    echo "error: $python cannot make a virtual environment yet. Run this, then try again:" >&2
    echo "       sudo apt-get install $package" >&2
    exit 1
  fi
  echo "Installing $package"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$package"
fi

echo "Making .venv with $("$python" --version)"
"$python" -m venv --clear .venv
