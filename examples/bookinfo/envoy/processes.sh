#!/usr/bin/env bash
# Sourced by the demos: a folder, processes that end with the script, and waiting for them to come up.
#
#   $work        a temporary folder, removed at the end
#   started      process numbers; what is in it is stopped at the end, also on Ctrl-C

set -euo pipefail

work=$(mktemp -d)
started=()
stop() {
  trap - EXIT INT TERM
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  for process in "${started[@]}"; do wait "$process" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# until_there WHAT COMMAND…: waits for a state, at most 30 s.
until_there() {
  local what=$1 end=$((SECONDS + 30))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS > end)); then
      echo "$what does not come up:" >&2
      cat "$work"/*.log >&2
      exit 1
    fi
    sleep 0.05
  done
}
