#!/bin/sh
# Writes container image archives without a registry or a container daemon.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binaries=$here/../build/release/bin
out=$here/../build/images

usage() {
  cat <<USAGE
Usage: scripts/build-images.sh [--binaries DIR] [--out DIR]

Writes archives for 'ctr images import', 'docker load' and the test bed's cluster:
  turnkeeper-<version>.tar   docker.io/turnkeeper/turnkeeper:<version>, with the four programs of DIR
  coturn-<version>.tar       docker.io/coturn/coturn:<version>, stand-ins from Debian's packages

  --binaries DIR   where the programs are (build/release/bin)
  --out DIR        where to write (build/images)

The layers below the programs are kept in \${TURNKEEPER_CACHE:-~/.cache/turnkeeper}: the first run takes minutes, later ones
seconds. Needs root. With a container builder at hand, 'docker build .' makes the same turnkeeper image.
USAGE
}

while [ $# -gt 0 ]; do
  case $1 in
    --binaries) binaries=${2:?--binaries needs a folder}; shift 2 ;;
    --out) out=${2:?--out needs a folder}; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "build-images.sh: unknown argument $1; see --help" >&2; exit 2 ;;
  esac
done
exec "$here/../tests/support/testbed/run" images --binaries "$binaries" --out "$out"
