#!/usr/bin/env bash
# Copies what scripts/build-library.sh built to PREFIX. The folder may be moved afterwards: nothing in it names it.
#   usage: scripts/install.sh PREFIX
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=${1:?usage: scripts/install.sh PREFIX}

install -d "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/bin"
install -m 644 include/purser.h "$prefix/include/purser.h"
file=$(basename "$(realpath build/lib/libpurser.so)")
install -m 755 "build/lib/$file" build/lib/libpurser_re2.so build/lib/libpurser_envoy.so "$prefix/lib/"
cp -P build/lib/libpurser.so build/lib/libpurser.so.0 "$prefix/lib/"
sed "s/@VERSION@/${file#libpurser.so.}/" purser.pc.in >"$prefix/lib/pkgconfig/purser.pc"
chmod 644 "$prefix/lib/pkgconfig/purser.pc"
install -m 755 build/bin/purser "$prefix/bin/purser"
echo "installed purser ${file#libpurser.so.} to $prefix"
