#!/usr/bin/env bash
# Measures build/lib/libpurser.so with 1 to 100,000 rules of each shape, beside the same rules in plain C, and draws
# cost.svg. `make bench-rules` builds the library first. About ten minutes; nanoseconds are of this machine and moment.
#
#   run.sh                 everything; the lines that tables and chart are made of go to build/rules/results.txt
#   SIZES="10 1000" run.sh these sizes only, and the chart goes to build/rules/
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
sizes=${SIZES:-1 10 100 1000 10000 100000}
shapes="services paths principals headers addresses mixed"
out=$root/build/rules
mkdir -p "$out"
"$here/build.sh" "$out/bench_rules"
chart=$here/cost.svg
[[ -z ${SIZES:-} ]] || chart=$out/cost.svg

echo "Machine     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
: >"$out/results.txt"
for shape in $shapes; do
  for size in $sizes; do "$out/bench_rules" measure "$shape" "$size" >>"$out/results.txt"; done
done
echo "            load $(cut -d ' ' -f 1 /proc/loadavg) after timing"
for shape in services paths mixed; do "$out/bench_rules" threads "$shape" 10000 >>"$out/results.txt"; done
if command -v valgrind >/dev/null; then
  # shellcheck disable=SC2086
  "$here/count.sh" "$out/bench_rules" yes $sizes | sed 's/^/count /' >>"$out/results.txt"
else
  echo "  (instructions and cache misses: needs valgrind)"
fi
python3 "$here/tables.py" "$out/results.txt"
python3 "$here/chart.py" "$out/results.txt" >"$chart"
echo
echo "Chart       $chart"
