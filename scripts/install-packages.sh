#!/usr/bin/env bash
# Installs what a task needs from scripts/packages.txt, and nothing when it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'USAGE'
Usage: scripts/install-packages.sh GROUP...
Installs the Debian packages of the named groups of scripts/packages.txt: build, run, relay, test, bench.
USAGE
}

[ $# -gt 0 ] || { usage >&2; exit 2; }
[ "$1" != --help ] || { usage; exit 0; }

wanted=()
for group in "$@"; do
  mapfile -t packages < <(awk -v group="$group" '$1 == group { print $2 }' scripts/packages.txt)
  [ ${#packages[@]} -gt 0 ] || { echo "install-packages: no group '$group' in scripts/packages.txt" >&2; exit 2; }
  wanted+=("${packages[@]}")
done

# Some packages of other archives hold several of Debian's: the npm of nodesource.com is in its nodejs.
provided=" $(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' | sed -n 's/^installed //p' | tr -s ', \n' ' ')"
missing=()
for package in "${wanted[@]}"; do
  [[ $provided == *" $package "* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || {
  echo "install-packages: root or sudo is needed to install: ${missing[*]}" >&2
  exit 1
}

# Debian starts a service when it is installed. Here programs are wanted, not a Prometheus or coturn that runs by itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
  trap 'as_root rm -f $policy' EXIT
fi
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -q >/dev/null
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/tmp/turnkeeper-apt.$$ 2>&1 || {
  cat /tmp/turnkeeper-apt.$$ >&2
  echo "install-packages: apt-get failed, see above; is this Debian 12 with its main archive?" >&2
  exit 1
}
rm -f /tmp/turnkeeper-apt.$$
