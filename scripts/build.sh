#!/usr/bin/env bash
# Installs the build packages, configures and builds. The compiler's output is cached by ccache outside the tree.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'USAGE'
Usage: scripts/build.sh [PRESET] [TARGET...]
PRESET is one of CMakePresets.json: release (default), debug, asan, tsan. Without a TARGET everything is built.
The programs are then in build/PRESET/bin.
USAGE
}

[ "${1:-}" != --help ] || { usage; exit 0; }
preset=${1:-release}
[ $# -eq 0 ] || shift

scripts/install-packages.sh build
cache=${TURNKEEPER_CACHE:-$HOME/.cache/turnkeeper}
mkdir -p "$cache"
export CCACHE_DIR="$cache/ccache" CCACHE_MAXSIZE=5G
echo "Building (preset $preset) ..."
cmake --preset "$preset" >"$cache/configure.log" 2>&1 || { cat "$cache/configure.log" >&2; exit 1; }
cmake --build --preset "$preset" ${1:+--target "$@"}
