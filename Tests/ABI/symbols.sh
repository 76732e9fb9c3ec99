#!/usr/bin/env bash
# The library's exported symbols, the header's functions and symbols.txt are the same list; every function is in
# addresses.c; all carry the version PURSER_1; libpurser_re2.so exports its six.
#   usage: Tests/ABI/symbols.sh [--accept]     write the header's list to symbols.txt first
set -euo pipefail
cd "$(dirname "$0")/../.."
export LC_ALL=C

functions_of() {
  # A declaration may run over lines; a type's name is never followed by `(`.
  sed -e 's|/\*.*\*/||' "$1" | sed -e '/\/\*/,/\*\//d' | grep -oE '\b'"$2"'[a-z0-9_]+\(' | tr -d '(' | sort -u
}
exports_of() { nm -D --defined-only --format=posix "$1" | awk '$2 != "A" { print $1 }' | sed 's/@@PURSER_1$//' | sort -u; }

[ "${1:-}" != --accept ] || functions_of include/purser.h purser_ >Tests/ABI/symbols.txt

failed=0
same() {
  if ! difference=$(diff <(cat "$3") <(cat "$4")); then
    echo "$1 (<) and $2 (>) differ:" >&2
    echo "$difference" >&2
    failed=1
  fi
}

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
functions_of include/purser.h purser_ >"$temporary/header"
exports_of build/lib/libpurser.so >"$temporary/library"
grep -oE 'ADDRESS\(purser_[a-z0-9_]+\)' Tests/ABI/addresses.c | sed -E 's/ADDRESS\((.*)\)/\1/' | sort >"$temporary/addresses"
functions_of Sources/RE2Shim/include/purser_re2.h purser_re2_ >"$temporary/re2_header"
exports_of build/lib/libpurser_re2.so >"$temporary/re2_library"

same Tests/ABI/symbols.txt include/purser.h Tests/ABI/symbols.txt "$temporary/header"
same include/purser.h libpurser.so "$temporary/header" "$temporary/library"
same include/purser.h Tests/ABI/addresses.c "$temporary/header" "$temporary/addresses"
same purser_re2.h libpurser_re2.so "$temporary/re2_header" "$temporary/re2_library"
if nm -D --defined-only build/lib/libpurser.so | grep -v ' A ' | grep -qv '@@PURSER_1$'; then
  echo "a symbol of libpurser.so has no version PURSER_1" >&2
  failed=1
fi
[ $failed -eq 0 ] && echo "the header and the library agree on $(wc -l <"$temporary/header") functions"
exit $failed
