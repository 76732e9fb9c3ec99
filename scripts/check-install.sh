#!/usr/bin/env bash
# Installs to a folder, moves it, and uses it as a stranger would: pkg-config, a C program against the installed
# header, the tool without any environment.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=$PWD/build/install
rm -rf "$prefix" "$prefix-moved"
scripts/install.sh "$prefix" >/dev/null
mv "$prefix" "$prefix-moved"
prefix=$prefix-moved

cat >"$prefix/program.c" <<'END'
#include <purser.h>
#include <stdio.h>
int main(void) { return puts(purser_version()) < 0; }
END
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
version=$(pkg-config --modversion purser)
# shellcheck disable=SC2046
gcc "$prefix/program.c" $(pkg-config --cflags --libs purser) -Wl,-rpath,"$prefix/lib" -o "$prefix/program"
[ "$(env -i "$prefix/program")" = "$version" ] || { echo "the library is not of version $version" >&2; exit 1; }
env -i "$prefix/bin/purser" version | grep -qF "$version" || { echo "the tool is not of version $version" >&2; exit 1; }

# Neither needs a Swift runtime.
if ldd "$prefix/bin/purser" "$prefix/lib/libpurser.so" | grep -iE 'swift|Foundation|dispatch|not found'; then
  echo "needs what a machine without Swift lacks" >&2
  exit 1
fi

# Regular expressions find libpurser_re2.so from the tool's place.
cat >"$prefix/policy.yaml" <<'END'
apiVersion: purser.dev/v1alpha1
kind: Policy
metadata: {name: digits}
spec:
  rules:
  - {name: digits, action: DENY, when: "request.path.matches('^/[0-9]+$')"}
END
env -i "$prefix/bin/purser" check "$prefix/policy.yaml" >/dev/null
find "$prefix" -mindepth 1 -maxdepth 4 \( -path '*/include/*' -o -path '*/lib/*' -o -path '*/bin/*' \) -not -type d |
  sed "s|^$prefix/|installed: |" | sort
