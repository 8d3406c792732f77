#!/usr/bin/env bash
# Builds the release preset and runs the benchmarks beside their comparators; prints one table (docs/performance.md).
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'USAGE'
Usage: scripts/bench.sh [--quick] [BENCHMARK...]
BENCHMARK is one of probe, canary, fleet, secure, detection, ice, push, verdict, codec, operator; default: all, about
fifteen minutes on an otherwise idle machine. --quick only shows that they work.
USAGE
}

[ "${1:-}" != --help ] || { usage; exit 0; }
scripts/install-packages.sh build run relay bench
scripts/build.sh release bench turnkeeper-monitor turnkeeper-operator
exec tests/bench/run.py --build build/release "$@"
