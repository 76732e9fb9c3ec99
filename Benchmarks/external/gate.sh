#!/usr/bin/env bash
# Instructions and allocations of a decision whose provider's answer is kept, against instructions.txt, one a line: case,
# instructions. Fails when one takes over 5 % more than its line says, has no line, or allocates. Instructions are counted, not
# timed: they are the same on a busy machine.
#
#   gate.sh           compare
#   gate.sh --print   print the lines of instructions.txt
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v valgrind >/dev/null || [[ ! -e /usr/include/valgrind/callgrind.h ]]; then
  echo "skipped: instructions are counted by valgrind, which is not here"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/instructions.txt" "$work"
"$here/build.sh" "$work/bench_external"
# Larger than the worker's table of that case, so that answers come from the store.
"$work/bench_external" fill "$work/socket" "$work/5000" >/dev/null
"$here/count.sh" "$work/bench_external" "$work/socket" "$work/5000" >"$work/counts"
# The other cipher takes more: docs/decisions/0014-check-cache.md.
compgen -G "$work/5000/check-aes-*" >/dev/null || sed -i '/^store-/d' "$work/counts" "$work/instructions.txt"
awk -v printing="${1:-}" '
  FILENAME ~ /instructions.txt$/ { if ($1 !~ /^#/) limit[$1] = $2; next }
  { seen[$1] = 1 }
  printing == "--print" { print $1, $2; next }
  !($1 in limit) { print "FAIL " $1 " has no line in instructions.txt; it takes " $2 " instructions"; failed = 1; next }
  $2 * 100 > limit[$1] * 105 { print "FAIL " $1 " takes " $2 " instructions, over 5 % more than " limit[$1]; failed = 1; next }
  $3 > 0 { print "FAIL " $1 " allocates: " $3 " times a decision"; failed = 1; next }
  { print "ok   " $1 " " $2 " instructions (limit " limit[$1] " + 5 %), no allocation" }
  END {
    if (printing == "--print") exit
    for (name in limit) if (!(name in seen)) { print "FAIL " name " was not counted"; failed = 1 }
    exit failed
  }
' "$work/instructions.txt" "$work/counts"
