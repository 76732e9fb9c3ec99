"""Connections, protocols, and clients that misbehave."""

import socket
import threading

import client
import proxy
import pytest
from test_decisions import SITE, rule

METRICS = """
apiVersion: purser.dev/v1alpha1
kind: Telemetry
metadata: {name: counts}
spec:
  metrics:
  - name: requests_total
    kind: counter
    labels: {code: response.code, verdict: purser.verdict}
---
apiVersion: purser.dev/v1alpha1
kind: Backend
metadata: {name: prom}
spec: {prometheus: {listen: "127.0.0.1:PORT"}}
"""


def scrape(port):
    """The metrics, as a dictionary from name{labels} to value."""
    text = client.ask(port, "/metrics").body.decode()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    }


def counts(scraped):
    """Code and verdict to how many."""
    found = {}
    for name, value in scraped.items():
        if name.startswith("requests_total{"):
            labels = dict(part.split("=") for part in name[len("requests_total{"):-1].replace('"', "").split(","))
            found[labels["code"], labels["verdict"]] = value
    return found


@pytest.fixture
def measured(policies, free_port):
    """Documents with a listener for their metrics: configuration and port."""
    return {"policies": [policies(SITE + "---" + METRICS.replace("PORT", str(free_port)))]}, free_port


def test_headers_near_envoys_limit(launch, policies):
    text = rule("long", "DENY", '!("x-long" in request.headers) || size(request.headers["x-long"]) != 90001')
    text += "\n---\n" + rule("many", "DENY", "size(request.headers) < 90")
    with launch({"policies": [policies(text)]}, max_request_headers_kb=96) as envoy:
        # Two lines, because the upstream takes none of more than 64 KiB.
        headers = [("x-long", "v" * 60000)] + [(f"x-h{number}", str(number)) for number in range(88)]
        headers.append(("x-long", "w" * 30000))
        assert client.ask(envoy.port(), headers=headers).status == 200
        assert client.ask(envoy.port(), headers=headers[:40]).status == 403
        assert client.ask(envoy.port(), headers=[("x-long", "v" * 200000)]).status == 431
        assert client.ask(envoy.port(), headers=headers).status == 200


def test_path_longer_than_what_is_kept_in_place(launch, measured):
    configuration, port = measured
    with launch(configuration) as envoy:
        assert client.ask(envoy.port(), "/" + "p" * 20000).status == 200
        assert client.ask(envoy.port(), "/admin/" + "p" * 20000).status == 404
        assert counts(scrape(port)) == {("200", "allow"): 1, ("404", "deny"): 1}


def test_http2(launch, policies):
    with launch({"policies": [policies(SITE)]}) as envoy:
        allowed = client.ask_http2(envoy.port(), "/books", headers=[("x-internal", "1")])
        denied = client.ask_http2(envoy.port(), "/x/../admin")
    assert allowed.status == 200
    assert allowed.header("x-policy") == ["site"]
    assert allowed.upstream_header("x-caller") == ["reader"]
    assert allowed.upstream_header("x-internal") == []
    assert (denied.status, denied.body, denied.header("x-reason")) == (404, b"{}", ["gone"])


def test_one_connection_serves_allowed_and_denied_requests(launch, measured):
    configuration, port = measured
    with launch(configuration) as envoy:
        connection = client.Connection(envoy.port())
        for _ in range(100):
            assert connection.ask("/books").status == 200
            assert connection.ask("/admin").status == 404
            assert connection.ask("/books", headers=[("user-agent", "robot")]).status == 403
        connection.close()
        assert counts(scrape(port)) == {("200", "allow"): 100, ("404", "deny"): 100, ("403", "deny"): 100}
        assert envoy.stat("http.main.downstream_cx_total") == 1


@pytest.mark.parametrize("threads", [1, 4])
def test_every_request_is_counted_once_with_any_number_of_threads(launch, measured, threads):
    configuration, port = measured
    with launch(configuration, threads=threads) as envoy:
        listener = envoy.port()
        failures = []

        def run(number):
            try:
                connection = client.Connection(listener)
                for turn in range(50):
                    path, status = [("/books", 200), ("/admin", 404)][(number + turn) % 2]
                    if connection.ask(path).status != status:
                        failures.append(path)
                connection.close()
            except Exception as error:  # A thread's failure is the test's.
                failures.append(error)

        runners = [threading.Thread(target=run, args=(number,)) for number in range(16)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
        assert failures == []
        scraped = scrape(port)
        assert counts(scraped) == {("200", "allow"): 400, ("404", "deny"): 400}
        assert scraped['purser_checks_total{verdict="allow"}'] == 400
        assert scraped["purser_reports_total"] == 800


def test_client_that_goes_away_is_reported_once(launch, measured, upstream):
    configuration, port = measured
    with launch(configuration) as envoy:
        gone = socket.create_connection(("127.0.0.1", envoy.port()))
        gone.sendall(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n")
        proxy.until("the upstream has the request", lambda: upstream.held == 1)
        gone.close()
        proxy.until("it is reported", lambda: scrape(port)["purser_reports_total"] == 1)
        upstream.release.set()
        assert client.ask(envoy.port(), "/books").status == 200
        assert scrape(port)["purser_reports_total"] == 2
        assert sum(counts(scrape(port)).values()) == 2


def test_half_a_request_is_neither_checked_nor_reported(launch, measured):
    configuration, port = measured
    with launch(configuration) as envoy:
        half = socket.create_connection(("127.0.0.1", envoy.port()))
        half.sendall(b"GET /books HTTP/1.1\r\nhost: a\r\nx-ha")
        half.close()
        broken = socket.create_connection(("127.0.0.1", envoy.port()))
        broken.sendall(b"GET /books HTTP/1.1\r\nno colon\r\n\r\n")
        assert broken.recv(100).startswith(b"HTTP/1.1 400")
        broken.close()
        assert client.ask(envoy.port(), "/books").status == 200
        assert scrape(port)["purser_reports_total"] == 1


def test_reply_of_envoys_own_is_reported_and_gets_the_response_headers(launch, measured, upstream):
    configuration, port = measured
    upstream.close()
    with launch(configuration) as envoy:
        answer = client.ask(envoy.port(), "/books")
        assert answer.status == 503
        assert answer.header("x-policy") == ["site"]
        assert counts(scrape(port)) == {("503", "allow"): 1}
