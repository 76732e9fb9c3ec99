#!/usr/bin/env bash
# Instructions and allocations of one decision, a line for each case:
#
#   CASE INSTRUCTIONS ALLOCATIONS
#
#   count.sh PROGRAM SOCKET FOLDER…   folders as `bench_external fill` made them; with OUT set, callgrind's files stay there
set -euo pipefail
program=$1
shift
work=${OUT:-$(mktemp -d)}
[[ -n ${OUT:-} ]] || trap 'rm -rf "$work"' EXIT
if ! valgrind --tool=callgrind --instr-atstart=no --collect-atstart=no --toggle-collect=pass \
  --callgrind-out-file="$work/out" "$program" count "$@" >"$work/said" 2>&1; then
  cat "$work/said" >&2
  exit 1
fi
awk '
  /^desc: Trigger: Client Request:/ { name = $5; requests = $6; allocated = $7 }
  /^(totals|summary):/ && name != "" {
    printf "%s %d %.2f\n", name, $2 / requests, allocated / requests
    name = ""
  }
' $(ls "$work"/out* | sort -t. -k2 -n)
