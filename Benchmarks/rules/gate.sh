#!/usr/bin/env bash
# Instructions and allocations of a decision against instructions.txt, one a line: shape, rules, kind of request,
# instructions. Fails when one takes over 5 % more than its line says, has no line, or allocates. Instructions are counted,
# not timed: they are the same on a busy machine. Ends with how many that is for one of the same algorithm in C.
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
"$here/build.sh" "$work/bench_rules"
"$here/count.sh" "$work/bench_rules" no 10 1000 10000 >"$work/counts"
awk -v printing="${1:-}" '
  FILENAME ~ /instructions.txt$/ { if ($1 !~ /^#/) limit[$1, $2, $3] = $4; next }
  $4 == "twin" { twin[$1, $2, $3] = $5 }
  $4 != "purser" { next }
  { ours[$1, $2, $3] = $5; name = $1 " " $2 " " $3 }
  printing == "--print" { print name, $5; next }
  !(($1, $2, $3) in limit) { print "FAIL " name " has no line in instructions.txt; it takes " $5 " instructions"; failed = 1; next }
  $5 * 100 > limit[$1, $2, $3] * 105 { print "FAIL " name " takes " $5 " instructions, over 5 % more than " limit[$1, $2, $3]; failed = 1; next }
  $8 > 0 { print "FAIL " name " allocates: " $8 " times a decision"; failed = 1; next }
  { print "ok   " name " " $5 " instructions (limit " limit[$1, $2, $3] " + 5 %), no allocation" }
  END {
    if (printing == "--print") exit
    for (key in ours) {
      ratio = ours[key] / twin[key]
      sum += log(ratio)
      count++
      if (ratio > worst) worst = ratio
    }
    if (count == 0) { print "FAIL nothing was counted"; exit 1 }
    printf "instructions for one of the same algorithm in C: %.2f on average, %.2f at most\n", exp(sum / count), worst
    exit failed
  }
' "$here/instructions.txt" "$work/counts"
