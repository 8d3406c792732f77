#!/usr/bin/env bash
# A real Kubernetes cluster of two nodes on this machine, without a container daemon: the one that the tests use, by hand.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
state=${TURNKEEPER_CACHE:-$HOME/.cache/turnkeeper}/cluster

usage() {
  cat <<'USAGE'
Usage: scripts/cluster.sh COMMAND

  up [--nodes N] [--images A.tar,B.tar]   start it (2 nodes) and leave it running in the background
  down                                    remove it, and everything in it
  status                                  what runs
  command JSON                            do something to it while it runs, such as
      '{"cmd": "import", "archive": "/path/to/image.tar"}'                           an image for its nodes
      '{"cmd": "blackhole", "region": "us-east", "on": true}'                        lose a region (node2)
      '{"cmd": "netem", "region": "us-east", "delay_ms": 40, "loss_percent": 1}'     make it far away
      '{"cmd": "power", "node": "node2", "on": false}'                               a node's power fails

Node n is a network namespace with an address of its own, reachable from this machine: node1 in region eu-west, node2 in
us-east. The first start builds Kubernetes from source (about 10 minutes, once). Needs root.
USAGE
}

die() {
  echo "cluster.sh: $1" >&2
  [ $# -lt 2 ] || echo "  $2" >&2
  exit 1
}

# The pid of the running cluster; fails when there is none.
running() {
  local pid
  pid=$(cat "$state/pid" 2>/dev/null) && { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -q 'testbed cluster' && echo "$pid"
}

info() { head -n 1 "$state/out" | jq -r "$1"; }

up() {
  local pid
  if running >/dev/null; then
    echo "A cluster is running already."
    next
    return
  fi
  for program in containerd:containerd runc:runc etcd:etcd-server jq:jq ip:iproute2 nft:nftables conntrack:conntrack; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${program%%:*}" >/dev/null ||
      die "${program%%:*} is not installed (package ${program##*:})" "run scripts/install-packages.sh relay test"
  done
  mkdir -p "$state"
  rm -f "$state/in" "$state/out" "$state/log"
  mkfifo "$state/in"
  # Opened for reading and writing: the cluster's input never ends while it runs, and `command` can write to it.
  setsid "$here/../tests/support/testbed/run" cluster "$@" <>"$state/in" >"$state/out" 2>"$state/log" &
  pid=$!
  echo "$pid" >"$state/pid"
  tail --pid="$pid" --follow --lines=+1 "$state/log" >&2 &
  local tail=$!
  while [ ! -s "$state/out" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
  kill "$tail" 2>/dev/null || true
  [ -s "$state/out" ] || die "the cluster did not start" "its messages are above and in $state/log"
  next
}

next() {
  cat <<NEXT

The cluster is ready. To use it:
  export KUBECONFIG=$(info .kubeconfig) PATH=$(dirname "$(info .kubectl)"):\$PATH
  kubectl get nodes -o wide

Next:
  scripts/build-images.sh && for a in build/images/*.tar; do scripts/cluster.sh command "{\"cmd\": \"import\", \"archive\": \"\$PWD/\$a\"}"; done
  helm install turnkeeper helm/turnkeeper --namespace turnkeeper --create-namespace
  scripts/cluster.sh down
NEXT
}

down() {
  local pid
  pid=$(running) || { echo "No cluster is running."; return; }
  kill -TERM "$pid"
  for _ in $(seq 300); do
    [ -d "/proc/$pid" ] || break
    sleep 0.2
  done
  [ ! -d "/proc/$pid" ] || die "process $pid does not end" "see $state/log"
  rm -rf "$state"
  echo "The cluster is gone."
}

status() {
  local pid
  pid=$(running) || { echo "No cluster is running; scripts/cluster.sh up starts one."; exit 1; }
  [ -s "$state/out" ] || { echo "The cluster is starting (process $pid); its messages: $state/log"; exit 1; }
  echo "Running (process $pid), in $(info .directory); messages: $state/log"
  "$(info .kubectl)" --kubeconfig "$(info .kubeconfig)" get nodes,pods --all-namespaces -o wide
  next
}

command_() {
  local before answer
  [ $# -eq 1 ] || die "command takes one JSON object" "see --help"
  running >/dev/null || die "no cluster is running" "scripts/cluster.sh up starts one"
  jq -e 'type == "object"' >/dev/null 2>&1 <<<"$1" || die "that is no JSON object: $1"
  before=$(wc -l <"$state/out")
  jq -c . <<<"$1" >"$state/in"
  while [ "$(wc -l <"$state/out")" -le "$before" ]; do sleep 0.1; done
  answer=$(tail -n +$((before + 1)) "$state/out" | head -n 1)
  echo "$answer"
  jq -e .ok >/dev/null <<<"$answer"
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  up | down | status | command) ;;
  *) usage >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || die "network namespaces, mounts and cgroups need root" "run it as root, or with sudo"
verb=$1
shift
case $verb in
  command) command_ "$@" ;;
  *) "$verb" "$@" ;;
esac
