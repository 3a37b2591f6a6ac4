#!/usr/bin/env bash
# The DICOM programs that the tests talk to. As root on Debian they are installed; otherwise this says what to install.
# CI=true: a missing program is a failure. On a person's machine the tests that need it are skipped and say so.
set -euo pipefail
packages=(orthanc orthanc-dicomweb dcmtk)

installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
if command -v dpkg-query >/dev/null; then
  for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
  done
else
  # Elsewhere the programs count, whoever packaged them.
  PATH=$PATH:/usr/sbin:/usr/local/sbin
  command -v Orthanc >/dev/null || missing+=(orthanc orthanc-dicomweb)
  command -v dcmqrscp >/dev/null || missing+=(dcmtk)
fi
[ ${#missing[@]} -gt 0 ] || exit 0

give_up() {
  echo "$1" >&2
  if [ "${CI:-}" = true ]; then
    exit 1
  fi
  echo "The tests that need them are skipped." >&2
  exit 0
}

if ! command -v apt-get >/dev/null; then
  give_up "Not installed: ${missing[*]} (names of the Debian packages)."
fi
if [ "$(id -u)" != 0 ]; then
  give_up "Not installed: ${missing[*]}. To install: sudo apt-get install ${missing[*]}"
fi

# Debian starts Orthanc as a service on port 4242 when it is installed; the tests start their own, with their own data.
policy=${1:-/usr/sbin/policy-rc.d} # $1: for trying this script out
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}"; } </dev/null >&2; then
  give_up "apt-get could not install ${missing[*]}."
fi
