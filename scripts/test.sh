#!/usr/bin/env bash
# Everything that has to hold, stage after stage, two at once where each is one thread's work, each built once for its flags.
# Stops at the first stage that fails, and ends with a summary. `make test` and .ci/run are this.
set -uo pipefail
cd "$(dirname "$0")/.."

stages=()
started=$SECONDS

summary() {
  echo
  echo "summary"
  printf '%s\n' "${stages[@]}"
}

# stage NAME COMMAND…
stage() {
  local name=$1 began=$SECONDS
  shift
  echo
  echo "== $name"
  "$@"
  ended $? "$name" $((SECONDS - began))
}

# ended STATUS NAME SECONDS
ended() {
  if [ "$1" -eq 0 ]; then
    stages+=("  ok    $2 ($3 s)")
    return
  fi
  stages+=("  FAIL  $2 ($3 s)")
  summary
  echo "failed after $((SECONDS - started)) s"
  exit 1
}

# together NAME FUNCTION NAME FUNCTION: two stages at once. What the second says follows the first.
together() {
  local said began=$SECONDS other
  said=$(mktemp)
  ("$4" >"$said" 2>&1; status=$?; echo "$((SECONDS - began))" >"$said.seconds"; exit $status) &
  other=$!
  trap 'kill $other 2>/dev/null' EXIT
  stage "$1" "$2"
  wait $other
  local status=$?
  trap - EXIT
  echo
  echo "== $3"
  cat "$said"
  ended $status "$3" "$(cat "$said.seconds")"
  rm -f "$said" "$said.seconds"
}

fuzz_smoke() { scripts/fuzz.sh smoke; }
library() { scripts/build-library.sh; }
# The whole library as Embedded Swift, and every C program against it.
embedded_flavour() { scripts/build-embedded.sh && Tests/ABI/run.sh --library build/embedded/lib; }
# In the machine code of the library, and by instructions counted.
costs() {
  scripts/trap-audit/run.sh && Benchmarks/cel/gate.sh && Benchmarks/rules/gate.sh && Benchmarks/external/gate.sh
}
c_programs() { Tests/ABI/symbols.sh && scripts/check-install.sh && Tests/ABI/run.sh; }
dependant() { Tests/Dependant/test.sh; }
envoy() { bindings/envoy/test.sh; }
swift_example() { swift run --quiet --package-path examples/swift-service; }

stage "packages and toolchain" scripts/packages.sh
# Debug: bounds and overflow checks trap, so a test that would end a host ends here.
stage "swift tests" swift test --quiet
together "fuzz smoke" fuzz_smoke "library and tool" library
together "embedded flavour" embedded_flavour "traps and costs" costs
together "symbols, installed tree, C programs" c_programs "dependant by version" dependant
together "Envoy" envoy "Swift example" swift_example
stage "Hummingbird" bindings/hummingbird/test.sh

c_totals=$(tail -n 1 build/abi/totals.txt)
summary
echo "all held, in $((SECONDS - started)) s"
echo "$c_totals"
