#!/usr/bin/env bash
# Everything that has to hold, one stage after another, each built once for its flags. Stops at the first stage that
# fails, and ends with a summary. `make test` and .ci/run are this.
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
  if "$@"; then
    stages+=("  ok    $name ($((SECONDS - began)) s)")
  else
    stages+=("  FAIL  $name ($((SECONDS - began)) s): $*")
    summary
    echo "failed after $((SECONDS - started)) s"
    exit 1
  fi
}

# The whole library as Embedded Swift, and every C program against it.
embedded_flavour() { scripts/build-embedded.sh && Tests/ABI/run.sh --library build/embedded/lib; }

stage "packages and toolchain" scripts/packages.sh
# Debug: bounds and overflow checks trap, so a test that would end a host ends here.
stage "swift tests" swift test --quiet
stage "fuzz smoke" scripts/fuzz.sh smoke
stage "embedded flavour" embedded_flavour
stage "library and tool" scripts/build-library.sh
stage "trap audit" scripts/trap-audit/run.sh
stage "cost of CEL" Benchmarks/cel/gate.sh
stage "cost of rules" Benchmarks/rules/gate.sh
stage "cost of kept answers" Benchmarks/external/gate.sh
stage "exported symbols" Tests/ABI/symbols.sh
stage "installed tree" scripts/check-install.sh
stage "C programs" Tests/ABI/run.sh
stage "Envoy" bindings/envoy/test.sh
stage "dependant by version" Tests/Dependant/test.sh
stage "Swift example" swift run --quiet --package-path examples/swift-service
stage "Hummingbird" bindings/hummingbird/test.sh

c_totals=$(tail -n 1 build/abi/totals.txt)
summary
echo "all held, in $((SECONDS - started)) s"
echo "$c_totals"
