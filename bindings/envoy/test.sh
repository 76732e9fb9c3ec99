#!/usr/bin/env bash
# Builds the module and runs its tests in a real Envoy over loopback. Skipped, and said so, where Envoy cannot be had.
#
#   LIBRARY=DIR  where libpurser.so is; build/lib unless set
#   arguments    go to pytest
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export LIBRARY=${LIBRARY:-$root/build/lib}

"$here/build.sh"
"$here/venv.sh" || {
  status=$?
  [[ $status -eq 75 ]] || exit $status
  echo "SKIP the tests with a real Envoy: it could not be installed"
  exit 0
}
exec "$root/build/venv/bin/python" -B -m pytest -q -p no:cacheprovider "$here/tests" "$@"
