"""What becomes of a decision in Envoy."""

import json
import socket

import client

SITE = """
apiVersion: purser.dev/v1alpha1
kind: Policy
metadata: {name: site}
spec:
  rules:
  - name: no-admin
    action: DENY
    when: request.url_path.startsWith("/admin")
    response: {status: 404, headers: {x-reason: gone, content-type: application/json}, body: "{}"}
  - name: no-robots
    action: DENY
    when: '"user-agent" in request.headers && request.headers["user-agent"].contains("robot")'
  - name: readers
    action: ALLOW
    when: request.method in ["GET", "HEAD"]
    requestHeaders: {set: {x-caller: reader}, append: {x-via: purser}, remove: [x-internal]}
    responseHeaders: {set: {x-policy: site}, append: {x-note: checked}}
"""

LOG = "%RESPONSE_CODE%|%RESPONSE_CODE_DETAILS%|%DYNAMIC_METADATA(purser)%"


def rule(name, action, when):
    """A document with one rule."""
    return json.dumps({
        "apiVersion": "purser.dev/v1alpha1", "kind": "Policy", "metadata": {"name": name},
        "spec": {"rules": [{"name": name, "action": action, "when": when}]},
    })


def logged(tmp_path):
    """Code, details and metadata of each access log line; for use after Envoy ended and so wrote them."""
    lines = (tmp_path / "access.log").read_text().splitlines()
    for line in lines:
        code, details, metadata = line.split("|", 2)
        yield int(code), details, None if metadata == "-" else json.loads(metadata)


def test_allowed_request_reaches_the_upstream_with_changed_headers(launch, policies, upstream):
    with launch({"policies": [policies(SITE)]}) as envoy:
        answer = client.ask(envoy.port(), "/books?id=1", headers=[("x-internal", "1"), ("x-caller", "forged"), ("x-via", "a")])
    assert answer.status == 200
    assert answer.upstream()["path"] == "/books?id=1"
    assert answer.upstream_header("x-caller") == ["reader"]
    assert answer.upstream_header("x-via") == ["a", "purser"]
    assert answer.upstream_header("x-internal") == []
    assert answer.header("x-policy") == ["site"]
    assert answer.header("x-note") == ["checked"]


def test_denied_request_is_answered_with_the_rules_status_headers_and_body(launch, policies, upstream, tmp_path):
    with launch({"policies": [policies(SITE)]}, log=LOG) as envoy:
        answer = client.ask(envoy.port(), "/books/..//admin?x=1")
    assert (answer.status, answer.body) == (404, b"{}")
    assert answer.header("x-reason") == ["gone"]
    assert answer.header("content-type") == ["application/json"]
    assert answer.header("x-purser-reason") == []
    assert upstream.requests == 0
    (line,) = logged(tmp_path)
    assert line == (404, "purser:DENY_rule_no-admin_of_policy_site_holds", {
        "verdict": "deny", "policy": "site", "rule": "no-admin",
        "reason": "DENY rule `no-admin` of policy `site` holds",
    })


def test_denial_without_a_body_of_its_own_says_so_in_plain_words(launch, policies, upstream):
    with launch({"policies": [policies(SITE)], "reasonHeader": "x-purser-reason"}) as envoy:
        robot = client.ask(envoy.port(), headers=[("user-agent", "a robot")])
        writer = client.ask(envoy.port(), method="POST", body=b"x" * 100000)
    assert (robot.status, robot.body) == (403, b"permission denied")
    assert robot.header("content-type") == ["text/plain"]
    assert robot.header("x-purser-reason") == ["DENY rule `no-robots` of policy `site` holds"]
    assert writer.status == 403
    assert writer.header("x-purser-reason") == ["no ALLOW rule holds; policies for this request: `site`"]
    assert upstream.requests == 0


def test_denial_without_content_leaves_the_connection_in_step(launch, policies):
    quiet = json.loads(rule("quiet", "DENY", 'request.url_path == "/quiet"'))
    quiet["spec"]["rules"][0]["response"] = {"status": 204}
    with launch({"policies": [policies(json.dumps(quiet))]}) as envoy:
        with socket.create_connection(("127.0.0.1", envoy.port()), 20) as connection:
            connection.sendall(b"GET /quiet HTTP/1.1\r\nhost: a\r\n\r\nGET /quiet HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 204") == 2
    assert answers.endswith(b"\r\n\r\n") and b"denied" not in answers


def test_header_set_to_nothing_is_removed(launch, policies, upstream):
    """Envoy takes no empty value from a module; what a client sent must not pass in its place."""
    empty = json.loads(rule("open", "ALLOW", "true"))
    empty["spec"]["rules"][0]["requestHeaders"] = {"set": {"x-was-there": "", "x-was-not": ""}, "append": {"x-more": ""}}
    with launch({"policies": [policies(json.dumps(empty))]}) as envoy:
        answer = client.ask(envoy.port(), headers=[("x-was-there", "forged"), ("x-more", "kept")])
    assert answer.upstream_header("x-was-there") == []
    assert answer.upstream_header("x-was-not") == []
    assert answer.upstream_header("x-more") == ["kept"]


def test_denial_has_all_of_its_headers(launch, policies):
    many = json.loads(rule("closed", "DENY", "true"))
    many["spec"]["rules"][0]["response"] = {"headers": {f"x-{number}": str(number) for number in range(90)}}
    with launch({"policies": [policies(json.dumps(many))], "reasonHeader": "x-purser-reason"}) as envoy:
        answer = client.ask(envoy.port())
    assert [answer.header(f"x-{number}") for number in range(90)] == [[str(number)] for number in range(90)]
    assert answer.header("x-purser-reason") == ["DENY rule `closed` of policy `closed` holds"]


def test_denied_grpc_call_gets_a_grpc_status(launch, policies):
    with launch({"policies": [policies(rule("closed", "DENY", "true"))]}) as envoy:
        answer = client.ask_http2(envoy.port(), "/pkg.Service/Call", "POST", [("content-type", "application/grpc")])
    assert answer.status == 200
    assert answer.header("grpc-status") == ["7"]
    assert answer.header("grpc-message") == ["permission denied"]


def test_rule_that_errs_denies(launch, policies):
    with launch({"policies": [policies(rule("careless", "DENY", 'request.headers["x-level"] == "low"'))]}) as envoy:
        assert client.ask(envoy.port()).status == 403
        assert client.ask(envoy.port(), headers=[("x-level", "low")]).status == 403
        assert client.ask(envoy.port(), headers=[("x-level", "high")]).status == 200


def test_metadata_is_set_for_all_none_or_what_was_denied(launch, policies, tmp_path):
    seen = {}
    for scope in ("all", "none", "denied"):
        with launch({"policies": [policies(SITE)], "metadata": scope}, log=LOG) as envoy:
            client.ask(envoy.port(), "/books")
            client.ask(envoy.port(), "/admin")
        seen[scope] = [metadata and metadata["verdict"] for _, _, metadata in logged(tmp_path)]
        (tmp_path / "access.log").unlink()
    assert seen == {"all": ["allow", "deny"], "none": [None, None], "denied": [None, "deny"]}


def test_shadow_verdict_that_differs_is_in_the_metadata(launch, policies, tmp_path):
    shadow = SITE.replace("name: site", "name: next").replace(
        "spec:\n", "spec:\n  mode: Shadow\n").replace("/admin", "/books")
    with launch({"policies": [policies(SITE + "---" + shadow)]}, log=LOG) as envoy:
        assert client.ask(envoy.port(), "/books").status == 200
        assert client.ask(envoy.port(), "/other").status == 200
    differs, agrees = [metadata for _, _, metadata in logged(tmp_path)]
    assert (differs["verdict"], differs["shadow_verdict"]) == ("allow", "deny")
    assert agrees is None


def test_filter_can_be_switched_off_for_a_route(launch, policies):
    off = {
        "match": {"path": "/health"}, "route": {"cluster": "upstream"},
        "typed_per_filter_config": {
            "purser": {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True, "config": {}}
        },
    }
    with launch({"policies": [policies(rule("closed", "DENY", "true"))]}, routes=[off]) as envoy:
        assert client.ask(envoy.port(), "/health").status == 200
        assert client.ask(envoy.port(), "/healthy").status == 403
