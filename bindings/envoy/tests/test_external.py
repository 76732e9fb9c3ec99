"""CUSTOM rules: a request is held while an external authorization service is asked, and not when the answer is known."""

import contextlib
import hashlib
import socket
import threading

import client
import proxy
import pytest
from test_decisions import LOG, logged, rule
from test_http import scrape
from test_reload import discovery, run  # noqa: F401  (fixtures)

SITE = """
apiVersion: purser.dev/v1alpha1
kind: Policy
metadata: {name: site}
spec:
  rules:
  - name: ask
    action: CUSTOM
    when: request.url_path != "/open"
    provider: authorizer
    CACHE
---
apiVersion: purser.dev/v1alpha1
kind: Provider
metadata: {name: authorizer}
spec:
  extAuthzGrpc: {address: "127.0.0.1:PORT", timeout: TIMEOUT, attributes: [request.method, request.path]}
  failureMode: MODE
"""

METRICS = """
---
apiVersion: purser.dev/v1alpha1
kind: Telemetry
metadata: {name: site}
spec:
  metrics:
  - {name: requests_total, kind: counter, labels: {path: request.url_path, verdict: purser.verdict}}
---
apiVersion: purser.dev/v1alpha1
kind: Backend
metadata: {name: prom}
spec: {prometheus: {listen: "127.0.0.1:PORT"}}
"""

CACHE = "cache: {ttl: 5m, denyTTL: 5m, headers: [x-user, www-authenticate]}"


def site(authorizer, cache="", timeout="20s", mode="deny", metrics=None):
    text = SITE.replace("PORT", str(authorizer.port)).replace("TIMEOUT", timeout).replace("MODE", mode)
    text = text.replace("CACHE", cache)
    return text if metrics is None else text + METRICS.replace("PORT", str(metrics))


class Clients:
    """Requests that are sent and whose answers are not waited for yet, one connection each."""

    def __init__(self, port, paths):
        self.connections = []
        for path in paths:
            connection = socket.create_connection(("127.0.0.1", port), 30)
            self.connections.append(connection)
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())

    def statuses(self):
        whole = [b"".join(iter(lambda: connection.recv(65536), b"")) for connection in self.connections]
        self.leave()
        return [int(text.split()[1]) if text else None for text in whole]

    def leave(self):
        for connection in self.connections:
            connection.close()


# ------------------------------------------------------------------------------------------------ decisions


def test_allowed_request_goes_on_with_the_headers_of_the_answer(launch, policies, authorizer, tmp_path):
    authorizer.on_request = [
        ("x-set", "service", 2), ("x-added", "service", "append"), ("x-if-absent", "service", 1), ("x-if-absent-there", "service", 1),
        ("x-if-there", "service", 3), ("x-if-there-absent", "service", 3),
    ]
    authorizer.removed = ["x-secret"]
    authorizer.on_response = [("x-checked", "by service", 2)]
    sent = ["x-set", "x-added", "x-if-absent-there", "x-if-there", "x-secret"]
    with launch({"policies": [policies(site(authorizer))], "metadata": "all"}, log=LOG) as envoy:
        answer = client.ask(envoy.port(), "/books?id=1", headers=[(name, "client") for name in sent])
        # More headers than the module reads at once: it then asks Envoy for each.
        many = client.ask(
            envoy.port(), "/books?id=1", headers=[(name, "client") for name in sent] + [(f"x-{n}", "") for n in range(80)])
    assert authorizer.asked == ["/books?id=1"] * 2
    for told in (answer, many):
        assert told.status == 200
        assert told.upstream()["path"] == "/books?id=1"
        assert told.upstream_header("x-set") == ["service"]
        assert told.upstream_header("x-added") == ["client", "service"]
        assert told.upstream_header("x-if-absent") == ["service"]
        assert told.upstream_header("x-if-absent-there") == ["client"]
        assert told.upstream_header("x-if-there") == ["service"]
        assert told.upstream_header("x-if-there-absent") == []
        assert told.upstream_header("x-secret") == []
        assert told.header("x-checked") == ["by service"]
    for _, _, metadata in logged(tmp_path):
        assert metadata["verdict"] == "allow" and "cached" not in metadata


def test_denied_request_gets_the_status_headers_and_body_of_the_answer(launch, policies, authorizer, upstream, tmp_path):
    with launch({"policies": [policies(site(authorizer))], "reasonHeader": "x-why"}, log=LOG) as envoy:
        connection = client.Connection(envoy.port())
        answers = [connection.ask("/no/1"), connection.ask("/no/2", method="POST", body=b"x" * 100000)]
        assert connection.ask("/yes").status == 200
        connection.close()
    assert [answer.body for answer in answers] == [b"not /no/1\n", b"not /no/2\n"]
    for answer in answers:
        assert answer.status == 401
        assert answer.header("www-authenticate") == ["Basic"]
        assert answer.header("x-why") == ["CUSTOM rule `ask` of policy `site`: its provider denies"]
    assert upstream.requests == 1
    assert [code for code, _, _ in logged(tmp_path)] == [401, 401, 200]


def test_denied_grpc_call_gets_a_grpc_status(launch, policies, authorizer):
    with launch({"policies": [policies(site(authorizer))]}) as envoy:
        answer = client.ask_http2(envoy.port(), "/no.Service/Call", "POST", [("content-type", "application/grpc")])
    assert answer.status == 200
    assert answer.header("grpc-status") == ["7"]
    assert answer.header("grpc-message") == ["not /no.Service/Call%0A"]


def test_rule_that_does_not_hold_asks_nobody(launch, policies, authorizer):
    with launch({"policies": [policies(site(authorizer))]}) as envoy:
        assert client.ask(envoy.port(), "/open").status == 200
    assert authorizer.asked == []


def test_held_request_keeps_its_body(launch, policies, authorizer):
    """Larger than what Envoy buffers, which then waits with reading it."""
    body = bytes(range(256)) * (3 << 12)
    authorizer.hold()
    answers = []
    with launch({"policies": [policies(site(authorizer))]}) as envoy:
        port = envoy.port()
        asking = threading.Thread(target=lambda: answers.append(client.ask(port, "/yes", method="POST", body=body)))
        asking.start()
        proxy.until("the service is asked", lambda: authorizer.waiting == 1)
        authorizer.release()
        asking.join()
    assert answers[0].status == 200
    assert answers[0].upstream()["body"] == len(body)
    assert answers[0].upstream()["digest"] == hashlib.sha256(body).hexdigest()


def test_two_hundred_requests_wait_at_once_and_each_gets_its_own_answer(launch, policies, authorizer):
    paths = [f"/{'no' if number % 3 == 0 else 'yes'}/{number}" for number in range(200)]
    authorizer.hold()
    with launch({"policies": [policies(site(authorizer))]}, threads=2) as envoy:
        clients = Clients(envoy.port(), paths)
        proxy.until("all are asked about", lambda: authorizer.waiting == len(paths))
        # Whom nothing is asked about does not wait behind them.
        assert client.ask(envoy.port(), "/open").status == 200
        authorizer.release()
        assert clients.statuses() == [401 if number % 3 == 0 else 200 for number in range(200)]
    assert sorted(authorizer.asked) == sorted(paths)


def test_equal_requests_that_wait_are_asked_about_once(launch, policies, authorizer):
    authorizer.hold()
    with launch({"policies": [policies(site(authorizer))]}, threads=2) as envoy:
        clients = Clients(envoy.port(), ["/yes"] * 50)
        proxy.until("all have come", lambda: envoy.stat("http.main.downstream_rq_active") >= 50)
        authorizer.release()
        assert clients.statuses() == [200] * 50
    assert len(authorizer.asked) <= 2  # a worker may be behind what it counts


# ---------------------------------------------------------------------------------------------------- cache


def test_known_answer_is_not_asked_for_again(launch, policies, authorizer, tmp_path):
    authorizer.on_request = [("x-user", "ann", 2), ("x-other", "not kept", 2)]
    with launch({"policies": [policies(site(authorizer, CACHE))], "metadata": "all"}, log=LOG) as envoy:
        port = envoy.port()
        answers = [client.ask(port, "/yes"), client.ask(port, "/yes"), client.ask(port, "/no"), client.ask(port, "/no")]
    assert authorizer.asked == ["/yes", "/no"]
    assert [answer.status for answer in answers] == [200, 200, 401, 401]
    # The first answer is used as the kept one is.
    assert [answer.upstream_header("x-user") for answer in answers[:2]] == [["ann"], ["ann"]]
    assert [answer.upstream_header("x-other") for answer in answers[:2]] == [[], []]
    assert [answer.header("www-authenticate") for answer in answers[2:]] == [["Basic"], ["Basic"]]
    assert [answer.body for answer in answers[2:]] == [b"not /no\n"] * 2
    assert [metadata.get("cached") for _, _, metadata in logged(tmp_path)] == [None, "true", None, "true"]


def test_known_answer_decides_when_the_service_is_gone(launch, policies, authorizer):
    with launch({"policies": [policies(site(authorizer, CACHE))], "workerCacheBytes": 1 << 20}) as envoy:
        port = envoy.port()
        assert [client.ask(port, path).status for path in ("/yes", "/no")] == [200, 401]
        authorizer.close()
        assert [client.ask(port, path).status for path in ("/yes", "/no", "/yes/2")] == [200, 401, 503]


def test_answers_outlive_envoy_in_the_store(launch, policies, authorizer, tmp_path):
    configuration = {
        "policies": [policies(site(authorizer, CACHE))], "store": {"directory": str(tmp_path / "store"), "bytes": 4 << 20}}
    paths = [f"/yes/{number}" for number in range(20)] + ["/no"]
    wanted = [200] * 20 + [401]
    with launch(configuration) as envoy:
        assert [client.ask(envoy.port(), path).status for path in paths] == wanted
    assert sorted(authorizer.asked) == sorted(paths)
    authorizer.close()
    with launch(configuration, log=LOG, threads=2) as envoy:
        port = envoy.port()
        assert [client.ask(port, path).status for path in paths] == wanted
        assert client.ask(port, "/yes/unknown").status == 503
    assert len(authorizer.asked) == len(paths)
    # Without the folder nothing is known.
    del configuration["store"]
    with launch(configuration) as envoy:
        assert client.ask(envoy.port(), paths[0]).status == 503


def test_envoys_share_a_store(launch, binary, modules, policies, authorizer, upstream, tmp_path):
    configuration = {"policies": [policies(site(authorizer, CACHE))], "store": {"directory": str(tmp_path / "store")}}
    boot = proxy.bootstrap(upstream.port, [proxy.listener([proxy.purser_filter(**configuration)])])
    (tmp_path / "second").mkdir()
    with launch(configuration) as first, proxy.Envoy(binary, modules, tmp_path / "second", boot) as second:
        assert client.ask(first.port(), "/yes").status == 200
        authorizer.close()
        proxy.until("the other one knows the answer", lambda: client.ask(second.port(), "/yes").status == 200)
    assert authorizer.asked == ["/yes"]


def test_envoy_that_was_killed_leaves_a_store_that_decides_right(launch, policies, authorizer, tmp_path):
    configuration = {"policies": [policies(site(authorizer, CACHE))], "store": {"directory": str(tmp_path / "store")}}
    paths = [f"/{word}/{number}" for number in range(30) for word in ("yes", "no")]
    for _ in range(3):
        with pytest.raises(AssertionError, match="Envoy ended with -9"):
            with launch(configuration, threads=2) as envoy:
                port = envoy.port()
                assert [client.ask(port, path).status for path in paths] == [200, 401] * 30
                envoy.process.kill()


def test_store_that_cannot_be_used_is_told_and_stops_nobody(launch, policies, authorizer, tmp_path):
    store = {"directory": str(tmp_path / "nowhere" / "store")}
    with launch({"policies": [policies(site(authorizer, CACHE))], "store": store}) as envoy:
        assert "answers are kept in memory only: " in envoy.log() and "nowhere" in envoy.log()
        assert [client.ask(envoy.port(), "/yes").status for _ in range(2)] == [200, 200]
    assert authorizer.asked == ["/yes"]


# -------------------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize("mode, status", [("deny", 503), ("allow", 200)])
def test_service_that_hangs_is_waited_for_as_long_as_the_provider_says(launch, policies, authorizer, mode, status):
    authorizer.hold()
    with launch({"policies": [policies(site(authorizer, timeout="300ms", mode=mode))], "reasonHeader": "x-why"}) as envoy:
        answer = client.ask(envoy.port(), "/yes")
        assert answer.status == status
        if mode == "deny":
            assert "`ask`" in answer.header("x-why")[0]
    assert authorizer.asked == ["/yes"]


@pytest.mark.parametrize("mode, status", [("deny", 503), ("allow", 200)])
def test_service_that_is_not_there_counts_as_the_provider_says(launch, policies, authorizer, mode, status):
    authorizer.close()
    with launch({"policies": [policies(site(authorizer, mode=mode))]}) as envoy:
        assert [client.ask(envoy.port(), "/yes").status for _ in range(3)] == [status] * 3


def test_clients_that_leave_while_they_wait_leave_nothing_behind(launch, policies, authorizer, free_port):
    paths = [f"/yes/{number}" for number in range(150)]
    authorizer.hold()
    with launch({"policies": [policies(site(authorizer, metrics=free_port))]}, threads=2) as envoy:
        port = envoy.port()
        clients = Clients(port, paths)
        proxy.until("all are asked about", lambda: authorizer.waiting == len(paths))
        clients.leave()
        proxy.until("Envoy knows", lambda: envoy.stat("http.main.downstream_rq_active") == 0)
        # They were denied for want of an answer, and reported.
        assert scrape(free_port)["purser_reports_total"] == len(paths)
        authorizer.release()
        assert client.ask(port, "/yes/after").status == 200
        assert client.ask(port, "/no/after").status == 401
        assert scrape(free_port)["purser_reports_total"] == len(paths) + 2


def test_clients_that_leave_as_answers_come(launch, policies, authorizer):
    """Both at once, over and over: whoever is first, each request is over once."""
    with launch({"policies": [policies(site(authorizer))]}, threads=2) as envoy:
        port = envoy.port()
        for turn in range(15):
            authorizer.hold()
            clients = Clients(port, [f"/yes/{turn}/{number}" for number in range(40)])
            proxy.until("all are asked about", lambda: authorizer.waiting == 40)
            leaving = threading.Thread(target=clients.leave)
            leaving.start()
            authorizer.release()
            leaving.join()
            proxy.until("the service is done", lambda: authorizer.waiting == 0)
        proxy.until("Envoy is done", lambda: envoy.stat("http.main.downstream_rq_active") == 0)
        assert client.ask(port, "/yes").status == 200


def test_envoy_answers_for_a_reason_of_its_own_while_a_request_waits(launch, policies, authorizer, free_port):
    authorizer.hold()
    boot = {"policies": [policies(site(authorizer, metrics=free_port))]}
    with launch(boot, stream_idle_timeout="0.3s") as envoy:
        port = envoy.port()
        assert client.ask(port, "/yes").status == 504
        assert scrape(free_port)["purser_reports_total"] == 1
        authorizer.release()
        assert client.ask(port, "/yes").status == 200


def test_envoy_ends_while_requests_wait(launch, policies, authorizer):
    authorizer.hold()
    with launch({"policies": [policies(site(authorizer))]}, threads=2) as envoy:
        clients = Clients(envoy.port(), [f"/yes/{number}" for number in range(50)])
        proxy.until("all are asked about", lambda: authorizer.waiting == 50)
    # And ended well, which leaving the block checks.
    assert set(clients.statuses()) <= {None, 503}


# --------------------------------------------------------------------------------------------------- changes


def test_policies_change_while_a_request_waits(launch, policies, authorizer, upstream):
    path = policies(site(authorizer))
    authorizer.hold()
    with launch({"policies": [path], "watch": True}) as envoy:
        port = envoy.port()
        clients = Clients(port, ["/yes", "/no"])
        proxy.until("both are asked about", lambda: authorizer.waiting == 2)
        policies(site(authorizer).replace('!= "/open"', '== "/other"'))
        proxy.until("the new policies are used", lambda: "files changed: 1 policies" in envoy.log())
        # What the old policies asked about is open in the new ones, which do not wait.
        assert client.ask(port, "/no").status == 200
        authorizer.release()
        assert clients.statuses() == [200, 401]
        assert sorted(authorizer.asked) == ["/no", "/yes"]


def test_configuration_is_replaced_while_requests_wait(run, discovery, policies, authorizer):
    """The new one asks nobody, so the provider goes with the old one."""
    authorizer.hold()
    with run({"policies": [policies(site(authorizer), "1.yaml")]}) as envoy:
        port = envoy.port()
        clients = Clients(port, ["/yes", "/no"])
        proxy.until("both are asked about", lambda: authorizer.waiting == 2)
        discovery.write({"policies": [policies(rule("closed", "DENY", "true"), "2.yaml")]})
        proxy.until("the new configuration is there", lambda: discovery.stat(envoy, "success") >= 2)
        proxy.until("it decides", lambda: "loaded 1 policies" in envoy.log().partition("loaded 1 policies")[2])
        if discovery.kind == "lds":
            # Its streams end with the old listener, a second later.
            proxy.until("the old one is gone", lambda: "policy set given up" in envoy.log())
            assert clients.statuses() == [None, None]
            authorizer.release()
        else:
            authorizer.release()
            assert clients.statuses() == [200, 401]
            proxy.until("the old one is gone", lambda: "policy set given up" in envoy.log())
        assert client.ask(port, "/yes").status == 403


# ----------------------------------------------------------------------------------------------- configuration


def test_one_process_has_one_store(binary, modules, tmp_path, upstream, policies):
    path = policies(rule("closed", "DENY", "true"))
    store = {"directory": str(tmp_path / "store"), "bytes": 1 << 20}

    def log(**second):
        filters = [proxy.purser_filter("one", policies=[path], store=store), proxy.purser_filter("two", policies=[path], **second)]
        filters[1]["name"] = "purser-two"
        boot = proxy.bootstrap(upstream.port, [proxy.listener(filters)])
        with contextlib.suppress(AssertionError):
            with proxy.Envoy(binary, modules, tmp_path, boot) as envoy:
                return client.ask(envoy.port()).status
        return (tmp_path / "envoy.log").read_text()

    assert log() == 403
    assert log(store=store) == 403
    assert log(store={"directory": store["directory"]}) == 403
    assert "`store.directory` is not what" in log(store={**store, "directory": str(tmp_path / "other")})
    assert "`store.bytes` is not what" in log(store={**store, "bytes": 2 << 20})
    assert "`workerCacheBytes` is not what" in log(workerCacheBytes=1 << 20)
