#!/usr/bin/env bash
# Builds every program of this folder as C11 and as C++17 against a libpurser.so, runs them, and adds up their tests.
#   usage: Tests/ABI/run.sh [--library FOLDER] [NAME…]
# FOLDER is build/lib, or build/embedded/lib; NAME is a program, such as `decisions`, and none means all. The programs go
# to `abi` beside FOLDER.
set -uo pipefail
cd "$(dirname "$0")/../.."

library=build/lib
if [ "${1:-}" = --library ]; then
  library=${2:?--library needs a folder}
  shift 2
fi
[ -e "$library/libpurser.so" ] || {
  echo "there is no $library/libpurser.so; make lib and make flavour-embedded build one" >&2
  exit 1
}
programs=$(dirname "$library")/abi
mkdir -p "$programs/files"
warnings=(-Wall -Wextra -Wpedantic -Werror)
# --as-needed: a program that names no function of the library is not linked with it; loading.c depends on that.
link=(-pthread -Wl,--as-needed -L "$library" -lpurser -ldl -Wl,-rpath,"$PWD/$library")

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for file in Tests/ABI/*.c; do names+=("$(basename "$file" .c)"); done
fi

passed=0
failed=0

# build LANGUAGE NAME: the program's path, or nothing.
build() {
  local program=$programs/$2.$1
  case $1 in
  c11) set -- gcc -std=c11 "$2" ;;
  c++17) set -- g++ -std=c++17 "$2" ;;
  esac
  "$1" "$2" -O1 -g -D_GNU_SOURCE "${warnings[@]}" -I include -x "$([ "$1" = gcc ] && echo c || echo c++)" \
    "Tests/ABI/$3.c" -x none -o "$program" "${link[@]}" && echo "$program"
}

for name in "${names[@]}"; do
  for language in c11 c++17; do
    program=$(build $language "$name")
    if [ -z "$program" ]; then
      echo "FAIL $name ($language): does not compile"
      failed=$((failed + 1))
      continue
    fi
    output=$programs/$name.$language.txt
    PURSER_TEST_LIBRARY=$PWD/$library/libpurser.so PURSER_TEST_FILES=$PWD/$programs/files \
      timeout "${PURSER_TEST_SECONDS:-300}" "$program" >"$output" 2>&1
    status=$?
    sed -E -e '/^end of [0-9]+ tests$/d' -e "s/^(ok|FAIL) /&$name ($language): /" "$output"
    passed=$((passed + $(grep -c '^ok ' "$output")))
    failed=$((failed + $(grep -c '^FAIL ' "$output")))
    if [ $status -gt 1 ] || { [ $status -eq 1 ] && ! grep -q '^FAIL ' "$output"; }; then
      echo "FAIL $name ($language): ended with status $status"
      failed=$((failed + 1))
    elif ! grep -qx "end of $(grep -cE '^(ok|FAIL) ' "$output") tests" "$output"; then
      # Whatever ended it with 0, such as an exit inside the library: the tests after that did not run.
      echo "FAIL $name ($language): ended before its last test"
      failed=$((failed + 1))
    fi
  done
done

echo "$passed passed, $failed failed" | tee "$programs/totals.txt"
[ $failed -eq 0 ]
