#!/usr/bin/env bash
# Builds demo.c against build/lib/libpurser.so, as a host would be built, and runs it over the recorded requests.
# All it writes goes into a temporary folder. `make demo` builds the library first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
library=$root/build/lib

if [[ ! -e $library/libpurser.so ]]; then
  echo "build/lib/libpurser.so is not there: run make demo" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -I"$root/include" -o "$work/demo" \
  "$here/demo.c" "$here/tally.c" "$here/connections.c" "$here/recording.c" -L"$library" -lpurser -Wl,-rpath,"$library"
cd "$work"
./demo "$here/policies" "$here/requests.tsv"

size=$(stat --dereference --format %s "$library/libpurser.so")
needs=$(readelf -d "$library/libpurser.so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | tr '\n' ' ')
printf '\nlibpurser.so: %s.%s MB, needs %s\n' $((size / 1000000)) $((size % 1000000 / 100000)) "$needs"

# The same policies in a real Envoy.
"$here/envoy/demo.sh"

# An external check in front of it, and its cache.
"$here/envoy/external.sh"
