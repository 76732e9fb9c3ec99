#!/usr/bin/env bash
# Bookinfo's policies for a plain HTTP listener: policies.sh DIR makes DIR/bookinfo, and DIR/two-metrics with telemetry.
#
# Over plain HTTP there is no certificate, so what a certificate says comes in headers: dearer to read than Envoy's
# attribute, and so no favour. Everything else of bookinfo's policies is as it is.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$1

mkdir "$work/bookinfo" "$work/two-metrics"
for file in "$root"/examples/bookinfo/policies/*.yaml; do
  case $(basename "$file") in
    telemetry.yaml | backends.yaml | shadow.yaml) ;;
    *) sed 's/source\.principal/request.headers["x-principal"]/; s/"!connection.mtls"/connection.mtls/' "$file" \
      >"$work/bookinfo/$(basename "$file")" ;;
  esac
done
cp "$work"/bookinfo/* "$work/two-metrics/"
sed 's/source\.workload\.name/request.headers["x-workload"]/' "$root/Benchmarks/two-metrics.yaml" \
  >"$work/two-metrics/telemetry.yaml"
