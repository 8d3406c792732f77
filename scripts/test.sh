#!/usr/bin/env bash
# Every tier of tests, with all set-up. ctest's summary closes the run.
set -euo pipefail
cd "$(dirname "$0")/.."

tiers=(lint unit integration e2e)
usage() {
  cat <<USAGE
Usage: scripts/test.sh [TIER...]
Installs what is missing, builds and runs the tests. Without a TIER: ${tiers[*]}.
  lint         clang-format, shellcheck, and what keeps several files in step
  unit         pure code, seconds
  integration  each part against real counterparts: coturn, kube-apiserver, Prometheus, Alertmanager
  e2e          the whole product on a real two-node cluster (on the cluster of KUBECONFIG when that is set)
  sanitizers   unit and integration under AddressSanitizer + UBSan, then under ThreadSanitizer: three hours, one of
               them when both are built
By the environment: TURNKEEPER_ONLY=REGEX (of those, only the entries whose name, such as unit.kube, it matches).
Longer than that: TURNKEEPER_KILLS=500 (kill -9 of the operator at random moments),
TURNKEEPER_TROUBLE_SECONDS=30 (each trouble of the API server), TURNKEEPER_SCALE_DOWN=1 (a relay goes after five quiet minutes).
USAGE
}

for tier in "$@"; do
  case $tier in
    --help | -h) usage; exit 0 ;;
    lint | unit | integration | e2e | sanitizers) ;;
    *) echo "test.sh: no tier '$tier'" >&2; usage >&2; exit 2 ;;
  esac
done
[ $# -gt 0 ] || set -- "${tiers[@]}"

started=$SECONDS
if [[ " $* " == *" sanitizers "* ]]; then
  scripts/install-packages.sh build relay test
  failed=
  for preset in asan tsan; do
    scripts/build.sh "$preset"
    reports=build/$preset/sanitizer-reports
    rm -rf "$reports"
    # Not what runs no C++ of ours.
    ctest --preset "$preset" -L '^(unit|integration)$' -j 2 \
      --no-tests=error -R "${TURNKEEPER_ONLY:-.}" -E '^(unit\.(alerts|client|docs|helm)|integration\.(crd|testbed))$' || failed+=" $preset"
    # Of servers too, whatever the tests made of their end.
    if compgen -G "$reports/*" >/dev/null; then
      cat "$reports"/*
      failed+=" $reports"
    fi
  done
  [ -z "$failed" ] || { echo "test.sh: sanitizers:$failed" >&2; exit 1; }
  set -- "${@/sanitizers/}"
  [ -n "${*// /}" ] || exit 0
fi

scripts/install-packages.sh build relay test
scripts/build.sh release
labels=$(printf '%s' "$*" | tr -s ' ' '|' | sed 's/^|//; s/|$//')
echo "Built after $((SECONDS - started)) s. Running the tiers: $*"
ctest --preset release -L "^($labels)\$" --no-tests=error -R "${TURNKEEPER_ONLY:-.}" -j 2
