#!/usr/bin/env bash
# CPU that a filter adds to a request in Envoy: the module, and what it is compared with. Builds what it needs; `make
# lib` first. Skipped, and said so, where Envoy cannot be had.
#
#   LIBRARY=DIR  where libpurser.so is; build/lib unless set
#   ENVOY=FILE   an Envoy of your own
#   arguments    go to cpu.py: --rounds N --milliseconds N
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
binding=$root/bindings/envoy
export LIBRARY=${LIBRARY:-$root/build/lib}

"$binding/build.sh" >/dev/null
"$binding/venv.sh" || {
  status=$?
  [[ $status -eq 75 ]] || exit $status
  echo "SKIP the benchmark in Envoy: it could not be installed"
  exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=("${CC:-cc}" -std=c11 -O2 -Wall -Wextra)
"${cc[@]}" -o "$work/load" "$here/load.c"
"${cc[@]}" -fPIC -fvisibility=hidden -shared -Wl,-z,nodelete -I"$binding" -o "$work/libnothing.so" \
  "$here/nothing.c" "$binding/hooks_unused.c"

"$here/policies.sh" "$work"

envoy=${ENVOY:-$(echo "$root"/build/venv/lib/python3*/site-packages/envoy/_bin/envoy)}
PYTHONPATH=$binding/tests PYTHONDONTWRITEBYTECODE=1 python3 "$here/cpu.py" "$envoy" "$LIBRARY" "$work" "$@"
