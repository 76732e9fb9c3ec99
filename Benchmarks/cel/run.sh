#!/usr/bin/env bash
# What an evaluation costs here, in cel-cpp and in the Rust crate, in one run; `make bench` runs it. See compare.py for
# what is measured how.
#   usage: Benchmarks/cel/run.sh [CASES]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

skipped=
settings=$("$here/build.sh" "$@")
eval "$settings"
if [ -n "$skipped" ]; then
  echo "CEL benchmark skipped: $skipped"
  exit 0
fi

# The rivals, from PyPI. Without them only our own figures are printed.
python=$root/build/bench-cel/python/bin/python
if [ ! -e "$python" ]; then
  python3 -m venv "$root/build/bench-cel/python" || python=python3
fi
"$python" -m pip install --quiet --disable-pip-version-check common-expression-language==0.10.0 cel-expr-python==0.1.3 ||
  echo "the rivals could not be installed"

"$here/gate.sh" --print "$cases" >"$root/build/bench-cel/counts.txt"
echo "Machine     $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
exec "$python" "$here/compare.py" "$program" "$cases" "$root/build/bench-cel/counts.txt"
