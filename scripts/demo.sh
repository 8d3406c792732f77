#!/usr/bin/env bash
# The main job on one machine: builds, starts the relays of a TurnCluster file with the monitor, shows them proven by real
# allocations.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'USAGE'
Usage: scripts/demo.sh [--check] [--file FILE] [--address ADDRESS] [--listen HOST:PORT]
Installs what is needed, builds, and starts the relays of examples/local.yaml with the monitor: a live table, a status
page, a call in the browser with buttons that kill its relay (the address ends in /room/), an ICE config to use. Ctrl-C
ends everything.

  --check             unattended: make allocations, kill a relay, wait until the ICE config and a subscriber have moved,
                      restart it, print the measured times; exit non-zero if anything failed
  --file FILE         another TurnCluster file
  --address ADDRESS   where the relays listen (default 127.0.0.1); name this machine's own to reach them from elsewhere
  --listen HOST:PORT  where the monitor listens (default 127.0.0.1:8480; port 0: any free one)
USAGE
}

check=false
file=examples/local.yaml
up=()
while [ $# -gt 0 ]; do
  case $1 in
    --check) check=true ;;
    --file | --address | --listen)
      [ $# -ge 2 ] || { echo "demo.sh: $1 needs a value" >&2; exit 2; }
      if [ "$1" = --file ]; then file=$2; else up+=("$1" "$2"); fi
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    *) echo "demo.sh: unknown option '$1'" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

scripts/install-packages.sh build relay
scripts/build.sh release turnctl
turnctl=build/release/bin/turnctl

$check || exec "$turnctl" up -f "$file" ${up[@]+"${up[@]}"}

state=$(mktemp -d)
"$turnctl" up -f "$file" --listen 127.0.0.1:0 ${up[@]+"${up[@]}"} --state-dir "$state" >"$state/up.log" 2>&1 &
pid=$!
stop() {
  kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
  rm -rf "$state"
}
trap stop EXIT
# Up to 10 s for the relays to start; what keeps them from it is in the log.
for _ in $(seq 100); do
  kill -0 "$pid" 2>/dev/null || break
  ! "$turnctl" relay list --state-dir "$state" >/dev/null 2>&1 || break
  sleep 0.1
done
"$turnctl" drill --state-dir "$state" || {
  echo "--- what turnctl up printed:" >&2
  tail -40 "$state/up.log" >&2
  exit 1
}
