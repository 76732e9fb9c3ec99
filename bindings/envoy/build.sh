#!/usr/bin/env bash
# Builds libpurser_envoy.so beside libpurser.so, against include/purser.h. `make lib` builds that one first.
#
#   LIBRARY=DIR  where libpurser.so is and libpurser_envoy.so goes; build/lib unless set
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
library=${LIBRARY:-$root/build/lib}

if [[ ! -e $library/libpurser.so ]]; then
  echo "$library/libpurser.so is not there: run make lib" >&2
  exit 1
fi

# -z nodelete: Envoy unloads a module that no configuration names, and the engine may have threads. The map: nothing but
# Envoy's hooks is seen from outside. Envoy's callbacks stay undefined until Envoy loads this, so no -z defs; the
# check below stands in for it.
# Jansson comes inside, so that no package has to be installed; jansson_stdin.c says why its archive is changed.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
jansson=$(pkg-config --variable=libdir jansson)/libjansson.a
objcopy --redefine-sym stdin=purser_envoy_stdin "$jansson" "$work/libjansson.a"
"${CC:-cc}" -std=c11 -O2 -g -fPIC -fvisibility=hidden -shared \
  -Wall -Wextra -Werror -Wpedantic -Wshadow=local -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wvla \
  -I"$root/include" "$here"/*.c -o "$work/libpurser_envoy.so" \
  -L"$library" -lpurser "$work/libjansson.a" -lm -lpthread \
  -Wl,-soname,libpurser_envoy.so -Wl,--version-script,"$here/exports.map" -Wl,--exclude-libs,ALL \
  -Wl,-rpath,'$ORIGIN' -Wl,-z,nodelete -Wl,-z,text -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--build-id

unknown=$(nm -D --undefined-only "$work/libpurser_envoy.so" |
  awk '$1 == "U" && $2 !~ /@/ && $2 !~ /^(envoy_dynamic_module_callback_|purser_)/ { print $2 }')
if [[ -n $unknown ]]; then
  echo "libpurser_envoy.so needs what nobody gives:" $unknown >&2
  exit 1
fi
strip --strip-unneeded "$work/libpurser_envoy.so"
# Moved, not written over: a running Envoy may have the old one mapped.
mv "$work/libpurser_envoy.so" "$library/"
echo "built $library/libpurser_envoy.so"
