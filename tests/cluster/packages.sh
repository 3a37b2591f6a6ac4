#!/usr/bin/env bash
# packages.sh [buildah]: the programs of the local cluster that are not built here, and buildah if asked. As root on
# Debian they are installed; otherwise this says what to install.
set -euo pipefail
declare -A package_of=(
  [containerd]=containerd [ctr]=containerd [runc]=runc [/usr/lib/cni/bridge]=containernetworking-plugins
  [iptables]=iptables [nft]=nftables [conntrack]=conntrack [ip]=iproute2 [openssl]=openssl [sysctl]=procps
  [unshare]=util-linux
)
[ "${1:-}" != buildah ] || package_of[buildah]=buildah
PATH=$PATH:/usr/sbin:/sbin

missing=$(for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || echo "${package_of[$program]}"
done | sort -u | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Not installed: $missing (names of the Debian packages)." >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "Not installed: $missing. To install: sudo apt-get install $missing" >&2
  exit 1
fi

# Debian starts containerd as a service when it is installed; the cluster starts its own, and nothing else is to run.
policy=${POLICY:-/usr/sbin/policy-rc.d} # for trying this script out
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "Installing $missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # package names hold no spaces
if ! { apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing; } </dev/null >&2; then
  echo "apt-get could not install $missing." >&2
  exit 1
fi
