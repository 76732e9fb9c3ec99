#!/usr/bin/env bash
# Where the time of a request goes: the calls that the module makes, each under a clock, in a real Envoy under load.
#
#   LIBRARY=DIR  where libpurser.so is; build/lib unless set
#   ENVOY=FILE   an Envoy of your own
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
binding=$root/bindings/envoy
library=${LIBRARY:-$root/build/lib}

"$binding/venv.sh" || {
  status=$?
  [[ $status -eq 75 ]] || exit $status
  echo "SKIP: Envoy could not be installed"
  exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -a "$library"/libpurser*.so* "$work/"
rm -f "$work/libpurser_envoy.so"
"$here/policies.sh" "$work"
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -o "$work/load" "$here/load.c"

wraps=$(sed -n 's/^CALLBACK([^,]*, \([a-z_]*\),.*/-Wl,--wrap=envoy_dynamic_module_callback_\1/p
                s/^CALL([^,]*, \([a-z_]*\),.*/-Wl,--wrap=\1/p' "$here/calls.c")
renames=$(for hook in new request_headers response_headers stream_complete destroy; do
  echo "-Denvoy_dynamic_module_on_http_filter_$hook=untimed_$hook"
done)
jansson=$(pkg-config --variable=libdir jansson)/libjansson.a
objcopy --redefine-sym stdin=purser_envoy_stdin "$jansson" "$work/libjansson.a"
mkdir "$work/objects"
for file in "$binding"/*.c; do
  "${CC:-cc}" -std=c11 -O2 -fPIC -fvisibility=hidden -I"$root/include" $renames -c "$file" \
    -o "$work/objects/$(basename "$file").o"
done
"${CC:-cc}" -std=c11 -O2 -fPIC -fvisibility=hidden -I"$root/include" -I"$binding" -c "$here/calls.c" -o "$work/objects/calls.o"
"${CC:-cc}" -shared "$work"/objects/*.o -o "$work/libpurser_envoy.so" -L"$work" -lpurser "$work/libjansson.a" -lm -lpthread \
  $wraps -Wl,--exclude-libs,ALL -Wl,-rpath,'$ORIGIN' -Wl,-z,nodelete

envoy=${ENVOY:-$(echo "$root"/build/venv/lib/python3*/site-packages/envoy/_bin/envoy)}
for policies in bookinfo two-metrics; do
  PURSER_CALLS=$work/calls.txt PYTHONPATH=$binding/tests PYTHONDONTWRITEBYTECODE=1 \
    python3 "$here/cpu.py" "$envoy" "$work" "$work" --rounds 2 --milliseconds 1000 --only "$policies" >/dev/null
  echo
  echo "Policies of $policies: calls and nanoseconds a request"
  echo "  the module's hooks, with what they call"
  sort -k4 -n -r "$work/calls.txt" | awk '$1 == 1 { printf "    %-34s %6.2f %8d\n", $2, $3, $4; sum += $4 } END { printf "    %-34s %6s %8d\n", "in all", "", sum }'
  echo "  what they call"
  sort -k4 -n -r "$work/calls.txt" | awk '$1 == 0 { printf "    %-34s %6.2f %8d\n", $2, $3, $4 }'
done
