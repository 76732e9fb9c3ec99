#!/usr/bin/env bash
# Measures build/lib/libpurser.so where a rule asks a provider, through the C header. `make bench-external` builds the library
# first. Six to ten minutes, most of them for a million questions and two million more; nanoseconds are of this machine and
# moment. README.md tells what is compared. Lines that the tables are made of go to build/external/results.txt.
#
#   run.sh                     everything
#   STORES="1000 20000" run.sh entries of the stores
#   PARTS="cost" run.sh        only what is named: cost, replay, distinct
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
stores=${STORES:-100000 1000000}
parts=${PARTS:-cost replay distinct}
out=$root/build/external
mkdir -p "$out"
work=$(mktemp -d "$out/run.XXXXXX")
server=
finish() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
socket=$(mktemp -u /tmp/purser-bench.XXXXXX) # a socket's path must be short
"$here/build.sh" "$out/bench_external"
results=$out/results.txt
: >"$results"

say() { tee -a "$results" | sed 's/^/  /'; }
load() { cut -d ' ' -f 1 /proc/loadavg; }
has() { [[ " $parts " == *" $1 "* ]]; }

# A real ext_authz server, as anybody would write it; its port, or -.
start_server() {
  local made status=0
  made=$("$root/Tests/ProvidersTests/servers/prepare.sh") || status=$?
  if ((status == 75)); then
    grpc=-
    echo "  (no gRPC server: PyPI cannot be reached)"
    return
  fi
  ((status == 0)) || exit "$status"
  mkfifo "$work/input" "$work/port"
  "$root/build/providers-venv/bin/python" "$root/Tests/ProvidersTests/servers/grpc_server.py" "$made/stubs" \
    <"$work/input" >"$work/port" &
  server=$!
  exec 7>"$work/input" # it ends when this is closed
  read -r port <"$work/port"
  grpc=127.0.0.1:$port
}

echo "Machine     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(load)"
if has cost; then
  folders=()
  for entries in $stores; do folders+=("$work/$entries"); done
  for folder in "${folders[@]}"; do "$out/bench_external" fill "$socket" "$folder" | say; done
  start_server
  echo "            load $(load) before timing"
  "$out/bench_external" measure "$socket" "$grpc" "${folders[@]}" | say
  echo "            load $(load) after timing"
  if command -v valgrind >/dev/null; then
    "$here/count.sh" "$out/bench_external" "$socket" "${folders[@]}" | sed 's/^/count /' | say
  else
    echo "  (instructions: needs valgrind)"
  fi
  rm -rf "${folders[@]}"
fi
if has replay; then "$out/bench_external" replay "$socket" "$work/replay" | say; fi
if has distinct; then "$out/bench_external" distinct "$socket" "$work/distinct" | say; fi
echo
python3 "$here/tables.py" "$results"
