#!/usr/bin/env bash
# Prints the Python that builds .venv: $PYTHON if it is set, else the newest one found. Fails where none is new enough.
set -euo pipefail

# Started, not only looked up: a version manager leaves shims on the path for versions that are not active.
runs_our_code() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

candidates=(python3.13 python3.12 python3.11 python3)
[ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
for candidate in "${candidates[@]}"; do
  if runs_our_code "$candidate"; then
    command -v "$candidate"
    exit 0
  fi
done

found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "no Python at all")
echo "error: Python 3.11 or newer is needed; ${PYTHON:-python3} is: $found." >&2
echo "       Install one (Debian 12, Ubuntu 24.04 and newer: apt-get install python3), or name one:" >&2
echo "       make PYTHON=/path/to/python3.12 …" >&2
exit 1
