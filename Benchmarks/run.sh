#!/usr/bin/env bash
# Measures build/lib/libpurser.so through its C header, on bookinfo's policies and recorded hops. `make bench` builds the
# library first. Nanoseconds are of this machine and moment; instructions and allocations are not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
library=$root/build/lib
requests=$root/examples/bookinfo/requests.tsv

if [[ ! -e $library/libpurser.so ]]; then
  echo "build/lib/libpurser.so is not there: run make bench" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Bookinfo's policies and lists, with the benchmark's telemetry in place of the example's.
policies=("$here/two-metrics.yaml")
for file in "$root"/examples/bookinfo/policies/*.yaml; do
  case $(basename "$file") in
    telemetry.yaml | backends.yaml) ;;
    *) policies+=("$file") ;;
  esac
done

build() {
  "${CC:-cc}" -std=c11 -O2 -Wall -Wextra -I"$root/include" -o "$work/$1" "$here/$1.c" "$here/host.c" \
    "$root/examples/bookinfo/connections.c" "$root/examples/bookinfo/recording.c" -L"$library" -lpurser -lpthread -Wl,-rpath,"$library"
}
build bench_bookinfo
build bench_remote_hop
build bench_reload

echo "Machine     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "Library     $(stat --dereference --format %s "$library/libpurser.so") bytes; compiler $("${CC:-cc}" --version | head -n 1)"
echo "Work        $(($(wc -l <"$requests") - 1)) recorded hops, $(cat "${policies[@]}" | grep -c 'kind: Policy$') policies with $(cat "${policies[@]}" | grep -c 'action:') rules, 2 metrics"
echo
echo "A call through the C header, the host's callbacks included"
echo
"$work/bench_bookinfo" "$requests" "${policies[@]}"

if command -v valgrind >/dev/null; then
  # Instructions inside the two functions, callbacks included: twice as many rounds, minus once, so that warm-up drops out.
  instructions() {
    valgrind --tool=callgrind --toggle-collect="$1" --callgrind-out-file=/dev/null \
      "$work/bench_bookinfo" --rounds "$2" "$requests" "${policies[@]}" 2>&1 >/dev/null |
      sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
  }
  hops=$(($(wc -l <"$requests") - 1))
  echo
  printf '  %-22s %8s\n' "instructions" "a call"
  for name in check report; do
    once=$(instructions "purser_$name" 10)
    twice=$(instructions "purser_$name" 20)
    printf '  %-22s %8d\n' "$name" $(((twice - once) / (10 * hops)))
  done
else
  echo "  (instructions: needs valgrind)"
fi

echo
echo "The same check asked of another process: all attributes over one loopback TCP connection, one at a time."
echo "The least that a remote check can cost here: no HTTP/2, no protobuf, no other load. Not a measurement of Mixer."
echo
"$work/bench_remote_hop" "$requests" "${policies[@]}"

echo
echo "Checks beside reloads"
echo
"$work/bench_reload"
