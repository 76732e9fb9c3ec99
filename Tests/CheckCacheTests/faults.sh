#!/usr/bin/env bash
# The faults of the check cache as often as the issue asks for them: 400 random corruptions of a file that was closed cleanly
# and of one that a crash left in another boot, and 500 processes killed while four at a time write. `make test` tries 30 of
# each.
#
#   Tests/CheckCacheTests/faults.sh [CORRUPTIONS [KILLS]]
set -euo pipefail
cd "$(dirname "$0")/../.."

swift build --build-tests
PURSER_FAULTS=${1:-400} swift test --skip-build --filter 'CheckCacheTests.FaultTests'
PURSER_FAULTS=${2:-500} swift test --skip-build --filter 'CheckCacheTests.ProcessTests'
