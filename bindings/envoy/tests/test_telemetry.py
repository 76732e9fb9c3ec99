"""Telemetry of requests through Envoy."""

import json

import client
import proxy
from test_decisions import SITE, rule
from test_http import METRICS, scrape

LABELS = """
apiVersion: purser.dev/v1alpha1
kind: Telemetry
metadata: {name: labels}
spec:
  metrics:
  - name: seen_total
    kind: counter
    labels:
      path: request.url_path
      host: request.host
      cluster: xds.cluster_name
      details: response.code_details
      flags: response.flags
      upstream: 'has(upstream.address) ? "some" : "none"'
      attempts: upstream.request_attempt_count
      type: '"content-type" in response.headers ? response.headers["content-type"] : "none"'
      grpc: 'has(response.grpc_status) ? "some" : "none"'
      trailers: 'has(response.trailers) ? "some" : "none"'
  - name: request_seconds
    kind: distribution
    value: request.duration
    buckets: [60]
  - name: backend_seconds
    kind: distribution
    value: response.backend_latency
    buckets: [60]
    when: has(response.backend_latency)
  - name: age_seconds
    kind: distribution
    value: response.time - request.time
    buckets: [60]
    when: has(response.time)
  - name: request_bytes
    kind: distribution
    value: request.size
    buckets: [99, 100]
  - name: response_bytes
    kind: distribution
    value: response.size
    buckets: [17, 100000]
---
apiVersion: purser.dev/v1alpha1
kind: Backend
metadata: {name: prom}
spec: {prometheus: {listen: "127.0.0.1:PORT"}}
"""


def test_reports_know_the_response_and_the_request_as_it_came(launch, policies, free_port):
    configuration = {"policies": [policies(SITE + "---" + LABELS.replace("PORT", str(free_port)))]}
    rewrite = {"prefix_rewrite": "/elsewhere", "host_rewrite_literal": "backend.test"}
    with launch(configuration, route=rewrite) as envoy:
        allowed = client.ask(envoy.port(), "/a//b?c", body=b"x" * 100, host="Books.test:80")
        assert allowed.upstream()["path"].startswith("/elsewhere")
        assert allowed.upstream_header("host") == ["backend.test"]
        assert client.ask(envoy.port(), headers=[("user-agent", "robot")], path="/c").status == 403
        scraped = scrape(free_port)

    def labels(path):
        (name,) = [name for name in scraped if name.startswith("seen_total{") and f'path="{path}"' in name]
        return dict(part.split("=", 1) for part in name[len("seen_total{"):-1].replace('"', "").split(","))

    assert labels("/a/b") == {
        "path": "/a/b", "host": "books.test", "cluster": "upstream", "details": "via_upstream", "flags": "0",
        "upstream": "some", "attempts": "1", "type": "application/json", "grpc": "none", "trailers": "none",
    }
    denied = labels("/c")
    assert denied["details"] == "purser:DENY_rule_no-robots_of_policy_site_holds"
    assert (denied["upstream"], denied["type"]) == ("none", "text/plain")
    assert scraped["request_seconds_count"] == 2
    assert 0 < scraped["request_seconds_sum"] < 60
    assert scraped["backend_seconds_count"] == 1
    assert scraped["age_seconds_count"] == 2
    assert scraped['request_bytes_bucket{le="99"}'] == 1
    assert scraped['request_bytes_bucket{le="100"}'] == 2
    assert scraped['response_bytes_bucket{le="17"}'] == 1
    assert scraped["response_bytes_count"] == 2


def test_shadow_policies_are_counted(launch, policies, free_port):
    shadow = rule("next", "DENY", 'request.url_path == "/books"').replace('"spec": {', '"spec": {"mode": "Shadow", ')
    telemetry = METRICS.replace("PORT", str(free_port)).replace("purser.verdict}", "purser.shadow_verdict}")
    text = SITE + "---\n" + shadow + "\n---" + telemetry
    with launch({"policies": [policies(text)]}) as envoy:
        for path in ("/books", "/books", "/other", "/admin"):
            client.ask(envoy.port(), path)
        scraped = scrape(free_port)
    assert scraped["purser_shadow_differences_total"] == 2
    assert scraped['requests_total{code="200",verdict="deny"}'] == 2
    assert scraped['requests_total{code="200",verdict="allow"}'] == 1


def test_access_log_is_complete_when_envoy_ends(launch, policies, tmp_path):
    text = SITE + """
---
apiVersion: purser.dev/v1alpha1
kind: Telemetry
metadata: {name: log}
spec:
  accessLog:
  - fields: {path: request.path, code: response.code, why: purser.reason}
---
apiVersion: purser.dev/v1alpha1
kind: Backend
metadata: {name: lines}
spec: {lines: {path: FILE}}
""".replace("FILE", str(tmp_path / "lines.jsonl"))
    with launch({"policies": [policies(text)]}) as envoy:
        for number in range(50):
            client.ask(envoy.port(), f"/{number}")
        client.ask(envoy.port(), "/admin")
    lines = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert [line["path"] for line in lines] == [f"/{number}" for number in range(50)] + ["/admin"]
    assert (lines[-1]["code"], lines[-1]["why"]) == (404, "DENY rule `no-admin` of policy `site` holds")


def test_report_of_a_request_without_any_response(launch, policies, free_port, upstream):
    """The client left first: there are no response headers, and no code."""
    import socket

    configuration = {"policies": [policies(SITE + "---" + LABELS.replace("PORT", str(free_port)))]}
    with launch(configuration) as envoy:
        gone = socket.create_connection(("127.0.0.1", envoy.port()))
        gone.sendall(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
        proxy.until("the upstream has the request", lambda: upstream.held == 1)
        gone.close()
        proxy.until("it is reported", lambda: scrape(free_port)["purser_reports_total"] == 1)
        (name,) = [name for name in scrape(free_port) if name.startswith("seen_total{")]
    assert 'path="/hold"' in name and 'details="downstream_remote_disconnect"' in name
