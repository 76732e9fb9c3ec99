#!/usr/bin/env bash
# Builds the fuzz targets of Fuzz/ with libFuzzer and AddressSanitizer, and runs them.
#
#   scripts/fuzz.sh smoke                    every target, the same inputs each time: a few seconds
#   scripts/fuzz.sh run TARGET SECONDS       one target (parse, evaluate, print, twin, decode), or all, from its corpus on
#   scripts/fuzz.sh run decide SECONDS       generated policies and requests, the engine against the slow twin of its
#                                            decisions; by the tests' generator, from a new seed each time; in all too
#   scripts/fuzz.sh run host SECONDS         hosts that misbehave, through the C header of build/lib; in all too
#
# What a run finds worth keeping goes to build/fuzz/corpus; an input that fails, to build/fuzz/failures. Fuzz/corpus
# is the seed: text for parse, evaluate and print, and for twin and decode any bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

out=build/fuzz
targets=(parse evaluate print twin decode)
mkdir -p $out/modules/RE2Shim $out/failures

# The sanitizers' flags; -O so that many inputs are tried, with the checks that trap.
swift=(swiftc -O -wmo -parse-as-library -swift-version 6 -package-name purser -sanitize=fuzzer,address -use-ld=lld
  -I $out/modules -I Sources/Platform/include -I $out/modules/RE2Shim)
c=(-O1 -g -fsanitize=address,fuzzer-no-link)

# newer OUTPUT INPUT…: whether OUTPUT is there and newer than all inputs.
newer() {
  local output=$1 input
  shift
  [ -e "$output" ] || return 1
  for input; do [ "$output" -nt "$input" ] || return 1; done
}

# module NAME FOLDER IMPORTED-OBJECT…
module() {
  local name=$1 folder=$2 files
  shift 2
  mapfile -t files < <(find "$folder" -name '*.swift' | sort)
  newer "$out/$name.o" "${files[@]}" "$0" "$@" && return
  echo "building $name"
  "${swift[@]}" -module-name "$name" -emit-module -emit-module-path "$out/modules/$name.swiftmodule" \
    -c -o "$out/$name.o" "${files[@]}"
}

build() {
  local file
  # SwiftPM writes such a map by itself.
  printf 'module RE2Shim { umbrella "%s" export * }\n' "$PWD/Sources/RE2Shim/include" >$out/modules/RE2Shim/module.modulemap
  for file in Sources/Platform/*.c; do
    newer "$out/$(basename "$file").o" "$file" || clang "${c[@]}" -I Sources/Platform/include -c -o "$out/$(basename "$file").o" "$file"
  done
  newer $out/re2.o Sources/RE2Shim/purser_re2.cc ||
    clang++ "${c[@]}" -std=c++17 -I Sources/RE2Shim/include -c -o $out/re2.o Sources/RE2Shim/purser_re2.cc
  module CEL Sources/CEL
  module CELHost Tests/CELHost $out/CEL.o
  module CELTwin Tests/Twin $out/CEL.o $out/CELHost.o
  for target; do
    local sources=("Fuzz/${target^}.swift")
    # The tree's form, in which no two trees are alike.
    [ "$target" != print ] || sources+=(Tests/CELTests/TreeText.swift)
    newer "$out/fuzz-$target" "${sources[@]}" $out/*.o && continue
    echo "building fuzz-$target"
    "${swift[@]}" -module-name "Fuzz${target^}" -o "$out/fuzz-$target" "${sources[@]}" $out/*.o -lre2 -lm -lstdc++
  done
}

# A trap prints Swift's backtrace by itself, slowly; libFuzzer's is enough.
export SWIFT_BACKTRACE=enable=no
# Leaks are looked for at the end of a run: code objects are released, the runtime's own caches are not.
export ASAN_OPTIONS=detect_leaks=0
common=(-max_len=4096 -timeout=20 -rss_limit_mb=2048 -artifact_prefix=$out/failures/)

case ${1:-} in
  smoke)
    build "${targets[@]}"
    for target in "${targets[@]}"; do
      rm -rf "$out/smoke" && mkdir -p "$out/smoke"
      runs=10000
      [ "$target" != parse ] || runs=40000
      [ "$target" != twin ] || runs=3000
      if ! "$out/fuzz-$target" "${common[@]}" -runs=$runs -seed=1 "$out/smoke" Fuzz/corpus >"$out/$target.log" 2>&1; then
        tail -n 40 "$out/$target.log" >&2
        echo "FAIL fuzz-$target; the input is in $out/failures" >&2
        exit 1
      fi
      echo "ok fuzz-$target: $(grep -o 'Done [0-9]* runs in [0-9]* second' "$out/$target.log" | tail -n 1)(s)"
    done
    ;;
  run)
    target=${2:?usage: scripts/fuzz.sh run TARGET SECONDS}
    chosen=("$target")
    if [ "$target" = decide ] || [ "$target" = all ]; then
      # The seed of a difference is in its message.
      PURSER_DECIDE_SECONDS=${3:-60} swift test --quiet --filter theEngineDecidesAsTheTwinDoesForAsLongAsAsked
      [ "$target" = all ] || exit 0
    fi
    if [ "$target" = host ] || [ "$target" = all ]; then
      scripts/build-library.sh
      # Ended by run.sh after 300 s otherwise.
      PURSER_CHAOS_SECONDS=${3:-60} PURSER_TEST_SECONDS=$((${3:-60} + 300)) Tests/ABI/run.sh chaos
      [ "$target" = all ] || exit 0
    fi
    [ "$target" != all ] || chosen=("${targets[@]}")
    for target in "${chosen[@]}"; do
      [ -e "Fuzz/${target^}.swift" ] || { echo "no such target: $target (there are ${targets[*]} decide host)" >&2; exit 2; }
    done
    build "${chosen[@]}"
    for target in "${chosen[@]}"; do
      mkdir -p "$out/corpus/$target"
      "$out/fuzz-$target" "${common[@]}" -max_total_time="${3:-60}" -dict=Fuzz/cel.dict "$out/corpus/$target" Fuzz/corpus
    done
    ;;
  *)
    echo "usage: scripts/fuzz.sh smoke | run TARGET SECONDS" >&2
    exit 2
    ;;
esac
