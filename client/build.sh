#!/usr/bin/env bash
# Builds @turnkeeper/client into client/dist; what npm downloads is cached outside the tree.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'USAGE'
Usage: client/build.sh [--test]
Builds the package when its sources are newer: one file for pages and bundlers alike, and the types. --test also runs its unit tests.
USAGE
}

case ${1:-} in
  --help) usage; exit 0 ;;
  '' | --test) ;;
  *) usage >&2; exit 2 ;;
esac

for program in node npm esbuild; do
  command -v $program >/dev/null || {
    echo "client/build.sh: $program is missing; scripts/install-packages.sh build test installs it" >&2
    exit 1
  }
done
node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' || {
  echo "client/build.sh: Node $(node --version) is too old, 18 is needed; Debian 12 has it" >&2
  exit 1
}

cache=${TURNKEEPER_CACHE:-$HOME/.cache/turnkeeper}/npm
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two tests may want it at once

if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ci --cache "$cache" --prefer-offline --no-audit --no-fund --loglevel=error >"$cache/install.log" 2>&1 || {
    cat "$cache/install.log" >&2
    echo "client/build.sh: npm could not install what package-lock.json names, see above" >&2
    exit 1
  }
  touch node_modules/.package-lock.json
fi
if [ ! -e dist/index.d.ts ] || [ -n "$(find src package.json tsconfig.json -newer dist/index.d.ts)" ]; then
  npm run --silent build
fi
if [ "${1:-}" = --test ]; then
  rm -rf build
  node_modules/.bin/tsc -p tsconfig.test.json
  node --test build/test/*.test.js
fi
