#!/usr/bin/env bash
# Builds the program against build/lib/libpurser.so, at the path it is given.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
library=${PURSER_LIBRARY:-$root/build/lib}
if [[ ! -e $library/libpurser.so ]]; then
  echo "$library/libpurser.so is not there: run make lib" >&2
  exit 1
fi
"${CC:-cc}" -std=c11 -O2 -g -Wall -Wextra -I"$root/include" -o "$1" "$here"/*.c \
  -L"$library" -lpurser -llmdb -Wl,-rpath,"$library" -pthread
