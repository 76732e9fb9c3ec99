#!/usr/bin/env bash
# Makes Sources/ExtAuthz/generated of the .proto files beside it, by protoc-c (package protobuf-c-compiler). The outcome
# is committed, so nobody needs that package to build.
set -euo pipefail
cd "$(dirname "$0")/../Sources/ExtAuthz"

command -v protoc-c >/dev/null || { echo "protoc-c is not there: install the package protobuf-c-compiler" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r proto "$work/proto"

# Text in protobuf-c ends at its first NUL, wherever the sender ended it. Bytes have a length, and are the same on the
# wire. A map's key has to stay text; keys are only written here, by code that looks for NUL. The service is left out:
# the call is made by hand.
mapfile -t files < <(cd "$work/proto" && find . -name '*.proto' | sort)
for file in "${files[@]}"; do
  sed -i -E -e 's/^( *)(repeated )?string ([a-z_]+ = )/\1\2bytes \3/; s/map<string, string>/map<string, bytes>/' \
    -e '/^service /,/^}/d' "$work/proto/$file"
done

rm -rf generated
mkdir generated
(cd "$work/proto" && protoc-c --c_out="$OLDPWD/generated" -I . "${files[@]}")
# A library does not end its host; that a message is of its type, the compiler has seen.
find generated -name '*.c' -exec sed -i '/^ *assert(message->base.descriptor == /d' {} +
# A file of nobody's hand needs no author's style, but it says what it is.
find generated -type f -exec sed -i '1i /* Made by scripts/generate-ext-authz.sh. */' {} +
