#!/usr/bin/env bash
# The audit of build/symbols/libpurser.so, then the proof that it finds what is planted for it. Every path is in
# build/trap-audit.txt. What it holds: docs/decisions/0011-machine-code-audit.md.
set -euo pipefail
cd "$(dirname "$0")"
./audit.py --report ../../build/trap-audit.txt
./test.py
