#!/usr/bin/env bash
# Instructions, cache misses and allocations of one decision, a line for each shape, size, kind of request and engine:
#
#   SHAPE RULES KIND ENGINE INSTRUCTIONS D1-MISSES LL-MISSES ALLOCATIONS
#
#   count.sh PROGRAM no|yes RULES… [-- SHAPE…]   "yes" simulates caches, which takes longer; else misses are 0
set -euo pipefail
program=$1
caches=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! valgrind --tool=callgrind --instr-atstart=no --cache-sim="$caches" --callgrind-out-file="$work/out" \
  "$program" count "$@" >"$work/said" 2>&1; then
  cat "$work/said" >&2
  exit 1
fi
awk '
  /^events:/ { events = NF - 1; for (i = 2; i <= NF; i++) place[$i] = i }
  /^desc: Trigger: Client Request:/ {
    shape = $5; rules = $6; kind = $7; engine = $8; requests = $9; allocated = $10
  }
  /^(totals|summary):/ && engine != "" {
    d1 = ll = 0
    if (events > 1) {
      d1 = ($(place["D1mr"]) + $(place["D1mw"])) / requests
      ll = ($(place["DLmr"]) + $(place["DLmw"])) / requests
    }
    printf "%s %d %s %s %d %.1f %.2f %.2f\n", shape, rules, kind, engine, $2 / requests, d1, ll, allocated / requests
    engine = ""
  }
' $(ls "$work"/out* | sort -t. -k2 -n)
