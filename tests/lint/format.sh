#!/usr/bin/env bash
# Every C++ file is as clang-format would write it.
set -euo pipefail
mapfile -t files < <(find lib operator monitor agent cli tests examples -name '*.cpp' -o -name '*.hpp')
[ ${#files[@]} -gt 0 ]
clang-format --dry-run --Werror "${files[@]}" || {
  echo "Run: clang-format -i on the files above" >&2
  exit 1
}
echo "${#files[@]} files are formatted"
