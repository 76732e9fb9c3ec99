"""The module under AddressSanitizer, in a host that hands it random streams and takes every buffer away in time."""

import os
import pathlib
import re
import subprocess

import pytest

BINDING = pathlib.Path(__file__).resolve().parents[1]
ROOT = BINDING.parents[1]

DOCUMENTS = """
apiVersion: purser.dev/v1alpha1
kind: Policy
metadata: {name: random}
spec:
  rules:
  - name: path
    action: DENY
    onError: skip
    when: request.url_path.startsWith("/admin") || request.headers.exists(name, request.headers[name] == "a,b")
    response: {status: 404, headers: {x-reason: path}, body: gone}
  - name: peer
    action: DENY
    onError: skip
    when: 'client.address == "127.0.0.1" && source.namespace == "default" && "x-many" in request.headers'
  - name: everybody
    action: ALLOW
    when: size(request.headers) != 3 && destination.labels["app"] == "a" && connection.mtls
    requestHeaders: {set: {x-caller: a}, append: {x-empty: ""}, remove: [x-internal]}
    responseHeaders: {append: {x-policy: random}}
---
apiVersion: purser.dev/v1alpha1
kind: Telemetry
metadata: {name: all}
spec:
  metrics:
  - name: seen_total
    kind: counter
    seriesMax: 50
    labels:
      path: request.url_path
      host: request.host
      code: response.code
      protocol: context.protocol
      kind: context.reporter.kind
      grpc: response.grpc_status
      trailers: size(response.trailers)
      bytes: request.headers_bytes
      response: size(response.headers)
      agent: request.useragent
      namespace: source.service_account
      to: destination.address
  - {name: seconds, kind: distribution, value: request.duration}
  - {name: latency, kind: distribution, value: response.backend_latency}
  - {name: age, kind: distribution, value: response.time - request.time}
---
apiVersion: purser.dev/v1alpha1
kind: Backend
metadata: {name: prom}
spec: {prometheus: {}}
"""


def build(tmp_path, modules, *flags):
    """The fake host with the module's own sources, so that the checker's instrumentation is in both."""
    sources = [str(path) for path in sorted(BINDING.glob("*.c")) if path.name != "jansson_stdin.c"]
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror", *flags,
         f"-I{ROOT / 'include'}", f"-I{BINDING}", str(BINDING / "tests/host/fake_envoy.c"), *sources,
         "-o", str(tmp_path / "fake_envoy"), f"-L{modules}", "-lpurser", f"-Wl,-rpath,{modules}", "-ljansson", "-lm",
         "-lpthread"],
        check=True)
    return tmp_path / "fake_envoy"


def run(program, streams, swaps, documents):
    """What it printed, and the bytes that LeakSanitizer misses at the end.

    These are values that Swift makes once in a process and keeps; it tags their addresses, so LeakSanitizer does not
    find them.
    """
    done = subprocess.run(
        [program, str(streams), str(swaps), documents], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "LSAN_OPTIONS": "exitcode=0", "UBSAN_OPTIONS": "halt_on_error=1"})
    assert done.returncode == 0 and "runtime error" not in done.stderr, done.stderr[-4000:]
    assert "stays" not in done.stderr, done.stderr[-4000:]
    missed = re.search(r"SUMMARY: AddressSanitizer: (\d+) byte", done.stderr)
    return done.stdout, int(missed[1]) if missed else 0


@pytest.mark.parametrize("host", ["-DHAS_NEWER_CALLBACKS", "-DLACKS_NEWER_CALLBACKS"])
def test_random_streams_and_swaps(tmp_path, modules, policies, host):
    program = build(tmp_path, modules, "-fsanitize=address,undefined", host)
    documents = policies(DOCUMENTS)
    _, once = run(program, 100, 1, documents)
    told, missed = run(program, 20000, 40, documents)
    assert missed == once
    passed, denied, inside = map(int, re.findall(r"\d+", told))
    assert passed + denied == 20000
    assert min(passed, denied, inside) > 500
