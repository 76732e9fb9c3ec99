#!/usr/bin/env bash
# Builds bench-cel as the shipped library is built, and prints where it and the expressions are, or why there is nothing
# to measure.
#
#   settings=$(Benchmarks/cel/build.sh [CASES]); eval "$settings"     # sets program= and cases=, or skipped=
#
# CASES is bench-expressions.json or the folder it is in: {"attributes": {…}, "expressions": [{"name", "expr"}]}.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

cases=${1:-$root/../shared/cel}
[ ! -d "$cases" ] || cases=$cases/bench-expressions.json
if [ ! -e "$cases" ]; then
  printf 'skipped=%q\n' "there are no expressions at $cases"
  exit 0
fi
cases=$(realpath "$cases")

# Static, and without debugging information, which valgrind cannot read.
flags=(-c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xswiftc -enforce-exclusivity=unchecked)
cd "$here"
swift build --quiet "${flags[@]}" >&2
objects=$(swift build "${flags[@]}" --show-bin-path)
mkdir -p "$root/build/bench-cel"
strip --strip-debug -o "$root/build/bench-cel/bench-cel" "$objects/bench-cel"
cp "$objects"/libpurser_re2.so "$root/build/bench-cel/"
printf 'program=%q\ncases=%q\n' "$root/build/bench-cel/bench-cel" "$cases"
