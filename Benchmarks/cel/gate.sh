#!/usr/bin/env bash
# Instructions and allocations of each expression against instructions.txt, one a line: the first word of the
# expression's name, and the instructions of one evaluation. Fails when one takes over 5 % more than its line says, has
# no line, or allocates. Instructions are counted, not timed: they are the same on a busy machine.
#
#   gate.sh [CASES]           compare
#   gate.sh --print [CASES]   print `NAME INSTRUCTIONS ALLOCATIONS` lines; the first two words are instructions.txt
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

printing=no
if [ "${1:-}" = --print ]; then
  printing=yes
  shift
fi
skipped=
settings=$("$here/build.sh" "$@")
eval "$settings"
if [ -n "$skipped" ]; then
  echo "skipped: $skipped"
  exit 0
fi
if ! command -v valgrind >/dev/null; then
  echo "skipped: instructions are counted by valgrind, which is not here"
  exit 0
fi

failed=no
number=0
while IFS=$'\t' read -r name _; do
  word=${name%% *}
  evaluations=100
  collected=$(valgrind --tool=callgrind --toggle-collect=cel_benchmark_evaluate --callgrind-out-file=/dev/null \
    "$program" "$cases" watched $number $evaluations 2>&1 >/dev/null | sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
  instructions=$((collected / evaluations))
  allocations=$("$program" "$cases" allocations $number)
  number=$((number + 1))
  if [ $printing = yes ]; then
    echo "$word $instructions $allocations"
    continue
  fi
  limit=$(awk -v name="$word" '$1 == name { print $2 }' "$here/instructions.txt")
  if [ -z "$limit" ]; then
    echo "FAIL $word has no line in instructions.txt; it takes $instructions instructions"
    failed=yes
  elif [ $((instructions * 100)) -gt $((limit * 105)) ]; then
    echo "FAIL $word takes $instructions instructions, over 5 % more than $limit"
    failed=yes
  elif [ "$allocations" != 0 ]; then
    echo "FAIL $word allocates: $allocations times in 1,000 evaluations"
    failed=yes
  else
    echo "ok   $word $instructions instructions (limit $limit + 5 %), no allocation"
  fi
done < <("$program" "$cases" names)
[ $failed = no ]
