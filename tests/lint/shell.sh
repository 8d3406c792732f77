#!/usr/bin/env bash
# Every shell script passes shellcheck.
set -euo pipefail
mapfile -t files < <(grep -rlE '^#!.*\b(ba)?sh$' --include='*' scripts tests .ci client/build.sh)
[ ${#files[@]} -gt 0 ]
shellcheck "${files[@]}"
echo "${#files[@]} scripts are clean"
