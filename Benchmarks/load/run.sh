#!/usr/bin/env bash
# What it takes to load 100,000 rules into build/lib/libpurser.so, and to load them again after one policy changed. `make
# bench-load` builds the library first. About a minute; seconds are of this machine and moment, bytes are not.
#
#   run.sh           100,000 rules
#   run.sh RULES     so many, a multiple of 100
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rules=${1:-100000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/build.sh" "$work/bench_load"

echo "Machine     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo
printf '  %-12s %10s %10s %12s %12s %12s\n' "$rules rules" "seconds" "of CPU" "text, bytes" "plan, bytes" "peak, bytes"
printf '  %-12s %10s %10s %12s %12s %12s\n' "" "" "" "a rule" "a rule" "a rule"
for arrangement in one hundred each services principals headers addresses mixed long; do
  count=$rules
  [ "$arrangement" != long ] || count=$((rules / 4)) # a file has at most 64 MB
  "$work/bench_load" load "$arrangement" "$count" | awk -v rules="$rules" '{
    name = $3 == rules ? $2 : $2 " (" $3 ")"
    printf "  %-12s %10.2f %10.2f %12.0f %12.0f %12.0f\n", name, $5, $7, $9 / $3, $11 / $3, $13 / $3
  }'
done
echo
printf '  %-34s %10s %10s %10s %10s\n' "one policy of many is changed" "first, s" "again, s" "compiled" "reused"
for size in 1000 "$((rules / 100))"; do
  "$work/bench_load" reload "$size" $((size == rules / 100 && size != 1000 ? 100 : rules / size)) | awk '{
    printf "  %-34s %10.3f %10.3f %10d %10d\n", $2 " policies x " $3 " rules, " ($4 == "one" ? "one file" : "a file each"), $6, $8, $10, $12
  }'
  [ "$size" != "$((rules / 100))" ] || break
done
