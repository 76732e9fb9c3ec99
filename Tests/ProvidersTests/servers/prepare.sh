#!/usr/bin/env bash
# What the servers of these tests need: grpcio, h2 and regopy of PyPI in build/providers-venv, Python code of our .proto
# files, certificates. Prints the folder with the last two. Costs little the second time. Exits with 75 and says why where
# PyPI cannot be reached: what needs these servers is skipped then.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
venv=$root/build/providers-venv
made=$root/build/providers-tests
wanted=(grpcio==1.85.3 grpcio-tools==1.85.1 h2==4.4.1 regopy==1.5.2)

mkdir -p "$made"
exec 9>"$made/lock"
flock 9

if [[ ! -x $venv/bin/python || $(cat "$venv/purser-wanted" 2>/dev/null) != "${wanted[*]}" ]]; then
  python3 -m venv "$venv" >&2 || exit 75
  if ! message=$("$venv/bin/pip" install --quiet --disable-pip-version-check --retries 2 "${wanted[@]}" 2>&1); then
    echo "PyPI could not be reached, or does not have ${wanted[*]} for this machine:" >&2
    tail -n 3 <<<"$message" >&2
    exit 75
  fi
  echo "${wanted[*]}" >"$venv/purser-wanted"
fi

# Google's own messages come with the Python packages.
protos=$root/Sources/ExtAuthz/proto
if [[ ! -e $made/stubs/done || -n $(find "$protos" -newer "$made/stubs/done" -name '*.proto') ]]; then
  rm -rf "$made/stubs"
  mkdir -p "$made/stubs"
  (cd "$protos" && "$venv/bin/python" -m grpc_tools.protoc -I . --python_out="$made/stubs" \
    --grpc_python_out="$made/stubs" $(find envoy google/rpc -name '*.proto'))
  touch "$made/stubs/done"
fi

# authority: an authority, a server (localhost) and a client of it; stranger: a client of another one.
if [[ ! -e $made/certificates/done ]]; then
  rm -rf "$made/certificates"
  mkdir -p "$made/certificates"
  cd "$made/certificates"
  key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }
  authority() {
    key "$1"
    openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 3650 -out "$1.pem" 2>/dev/null
  }
  signed() { # NAME AUTHORITY SUBJECT_ALTERNATIVE_NAME
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.request" 2>/dev/null
    openssl x509 -req -in "$1.request" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 3650 -out "$1.pem" \
      -extfile <(echo "subjectAltName=$3") 2>/dev/null
  }
  authority authority
  authority stranger
  signed server authority DNS:localhost
  signed client authority DNS:client
  signed intruder stranger DNS:client
  touch done
fi
echo "$made"
