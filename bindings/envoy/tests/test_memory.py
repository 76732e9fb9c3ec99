"""Memory: under AddressSanitizer, in a host that hands the module random streams and takes every buffer away in time; and
in a real Envoy, over many requests."""

import http.server
import os
import pathlib
import re
import subprocess
import threading

import proxy
import pytest
from test_decisions import SITE
from test_http import METRICS, scrape

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


# Most streams wait: who is asked, and what about, is random; some answers are kept, and one provider is not there.
WAITING = """
apiVersion: purser.dev/v1alpha1
kind: Policy
metadata: {name: asking}
spec:
  rules:
  - name: each-time
    action: CUSTOM
    when: 'has(request.path) && request.path != "/"'
    provider: service
    requestHeaders: {set: {x-asked: "1"}}
  - name: kept
    action: CUSTOM
    when: true
    provider: kept
    cache: {ttl: 1s, denyTTL: 1s}
  - name: nobody
    action: CUSTOM
    when: 'has(request.scheme) && request.scheme == "GET"'
    provider: absent
    onError: skip
---
apiVersion: purser.dev/v1alpha1
kind: Provider
metadata: {name: service}
spec: {opa: {url: "http://127.0.0.1:PORT/v1/data/a", timeout: 20s, input: {path: request.path}, decision: result}, failureMode: allow}
---
apiVersion: purser.dev/v1alpha1
kind: Provider
metadata: {name: kept}
spec: {opa: {url: "http://127.0.0.1:PORT/v1/data/b", timeout: 20s, input: {host: 'has(request.host) ? request.host : ""'}, decision: result}}
---
apiVersion: purser.dev/v1alpha1
kind: Provider
metadata: {name: absent}
spec: {opa: {url: "http://127.0.0.1:ABSENT/v1/data/c", timeout: 20s, input: {scheme: request.scheme}, decision: result}, failureMode: allow}
---
apiVersion: purser.dev/v1alpha1
kind: Telemetry
metadata: {name: all}
spec:
  metrics:
  - {name: seen_total, kind: counter, seriesMax: 50, labels: {path: request.url_path, reason: purser.reason}}
---
apiVersion: purser.dev/v1alpha1
kind: Backend
metadata: {name: prom}
spec: {prometheus: {}}
"""


class Service:
    """OPA as its users know it: answers that allow, deny and are none, in turns; now and then it closes its connection."""

    def __init__(self):
        self.turn = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                outer.turn += 1
                self.rfile.read(int(self.headers["content-length"]))
                body = {0: b'{"result": false}', 1: b"no JSON", 2: b"{}"}.get(outer.turn % 8, b'{"result": true}')
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                if outer.turn % 11 == 0:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # Peers end with their test.

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service():
    made = Service()
    yield made
    made.close()


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
    passed, denied, inside, waited, _ = map(int, re.findall(r"\d+", told))
    assert passed + denied == 20000 and waited == 0
    assert min(passed, denied, inside) > 500


def test_random_streams_that_wait_leave_and_are_answered_by_others(tmp_path, modules, policies, service, free_port):
    program = build(tmp_path, modules, "-fsanitize=address,undefined")
    documents = policies(WAITING.replace("PORT", str(service.port)).replace("ABSENT", str(free_port)))
    _, once = run(program, 500, 1, documents)
    told, missed = run(program, 8000, 20, documents)
    assert missed <= once
    passed, denied, inside, waited, left = map(int, re.findall(r"\d+", told))
    assert passed + denied + left == 8000
    assert min(passed, denied, inside, left) > 100 and waited > 2000, told
    assert service.turn > 100


def test_stream_and_its_check_end_in_any_order(tmp_path):
    program = tmp_path / "tickets"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Werror",
         "-fsanitize=address,undefined", f"-I{ROOT / 'include'}", str(BINDING / "tests/host/tickets.c"),
         str(BINDING / "ticket.c"), "-o", program, "-lpthread"],
        check=True)
    done = subprocess.run([program, "80000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    waited, woken = map(int, re.findall(r"\d+", done.stdout))
    # Each of the ways to end has happened.
    assert 15000 < woken < waited <= 60000, done.stdout


def test_two_hundred_thousand_requests_leave_nothing_behind(binary, modules, tmp_path, policies, free_port):
    for source in ("Benchmarks/envoy/load.c", "examples/bookinfo/envoy/upstream.c"):
        program = tmp_path / pathlib.Path(source).stem
        subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-O2", str(ROOT / source), "-o", program], check=True)
    documents = policies(SITE + "---" + METRICS.replace("PORT", str(free_port)))
    service = subprocess.Popen([tmp_path / "upstream"], stdout=subprocess.PIPE, text=True)
    try:
        filters = [proxy.purser_filter(policies=[documents], metadata="all", reasonHeader="x-why")]
        boot = proxy.bootstrap(int(service.stdout.readline()), [proxy.listener(filters)])
        with proxy.Envoy(binary, modules, tmp_path, boot) as envoy:
            port = envoy.port()
            heads = {200: "GET /books HTTP/1.1\r\nhost: a.test", 404: f"GET /admin/{'x' * 300} HTTP/1.1\r\nhost: a.test"}

            def load(milliseconds):
                answers = 0
                for status, head in heads.items():
                    done = subprocess.run(
                        [tmp_path / "load", str(port), "8", str(milliseconds), str(status), head],
                        stdout=subprocess.PIPE, text=True, check=True)
                    answers += int(done.stdout)
                return answers

            load(500)
            warm = envoy.resident_bytes(), envoy.allocated_bytes()
            answers = 0
            while answers < 200000:
                answers += load(1000)
            grown = envoy.resident_bytes() - warm[0], envoy.allocated_bytes() - warm[1]
            assert scrape(free_port)["purser_reports_total"] >= answers
    finally:
        service.kill()
        service.wait()
    assert grown[0] < 2 << 20, f"{grown[0]} bytes more are resident after {answers} requests"
    assert grown[1] < 256 << 10, f"{grown[1]} bytes more are allocated after {answers} requests"
    print(f"{grown} bytes more after {answers} requests")
