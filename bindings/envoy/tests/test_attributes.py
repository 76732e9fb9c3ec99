"""What Envoy knows of a request, as policies see it."""

import json

import client
import pytest
from test_decisions import rule


def test_header_presence_and_several_values(launch, policies):
    text = "\n---\n".join([
        rule("absent", "DENY", '!("x-key" in request.headers)'),
        rule("joined", "DENY", '"x-many" in request.headers && request.headers["x-many"] != "a,b, c,,d"'),
        rule("empty", "DENY", '"x-empty" in request.headers && request.headers["x-empty"] != ""'),
    ])
    key = ("X-Key", "1")
    with launch({"policies": [policies(text)]}) as envoy:
        connection = client.Connection(envoy.port())
        assert connection.ask().status == 403
        assert connection.ask(headers=[key]).status == 200
        many = [("x-many", "a"), ("X-Many", "b, c"), ("x-many", ""), ("x-MANY", "d")]
        assert connection.ask(headers=[key, *many]).status == 200
        assert connection.ask(headers=[key, *many, ("x-many", "e")]).status == 403
        assert connection.ask(headers=[key, ("x-empty", "")]).status == 200
        connection.close()


def test_whole_header_map_has_joined_values_and_no_pseudo_headers(launch, policies):
    text = "\n---\n".join([
        rule("pseudo", "DENY", 'request.headers.exists(name, name.startsWith(":"))'),
        rule("single", "DENY", '":path" in request.headers || !("host" in request.headers)'),
        rule("host", "DENY", '!request.headers.exists(name, name == "host" && request.headers[name] == "books.test:80")'),
        rule("joined", "DENY", 'request.headers.exists(name, name.startsWith("x-many") && request.headers[name] != "a,b")'),
    ])
    with launch({"policies": [policies(text)], "reasonHeader": "x-why"}) as envoy:
        many = [("x-many", "a"), ("x-other", "1"), ("x-many", "b")]
        answer = client.ask(envoy.port(), headers=many, host="books.test:80")
        assert (answer.status, answer.header("x-why")) == (200, [])
        assert client.ask(envoy.port(), headers=[*many, ("x-many", "c")], host="books.test:80").status == 403


@pytest.mark.parametrize("address, client_address", [("127.0.0.1", "127.0.0.1"), ("::1", "::1")])
def test_addresses_come_without_ports(launch, policies, address, client_address):
    wanted = " && ".join([
        f'source.address == "{client_address}"', "source.port > 1023", f'destination.address == "{address}"',
        "destination.port > 1023", "source.port != destination.port",
    ])
    with launch({"policies": [policies(rule("addresses", "DENY", f"!({wanted})"))]}, address=address) as envoy:
        assert client.ask(envoy.port(), address=address).status == 200


def test_forwarded_for_changes_the_client_address_only(launch, policies):
    text = "\n---\n".join([
        rule("peer", "DENY", 'source.address != "127.0.0.1"'),
        rule("client", "DENY", 'client.address != "192.0.2.7"'),
    ])
    trusting = {"use_remote_address": True, "xff_num_trusted_hops": 1}
    with launch({"policies": [policies(text)], "clientAddress": True}, **trusting) as envoy:
        assert client.ask(envoy.port(), headers=[("x-forwarded-for", "192.0.2.7")]).status == 200
        assert client.ask(envoy.port(), headers=[("x-forwarded-for", "192.0.2.8")]).status == 403


def test_request_attributes(launch, policies):
    wanted = [
        'request.method == "PUT"', 'request.path == "/a/./b?c=d"', 'request.url_path == "/a/b"',
        'request.query == "c=d"', 'request.host == "books.test"', 'request.scheme == "http"',
        'request.protocol == "HTTP/1.1"', 'request.useragent == "tester"', 'request.referer == "http://a.test/"',
        "request.id.size() == 36", 'request.time > timestamp("2020-01-01T00:00:00Z")', "request.headers_bytes > 60",
        "!connection.mtls", "!has(connection.tls_version)", "!has(source.principal)", "connection.id > 0u",
        'context.protocol == "http"', 'context.reporter.kind == "inbound"', 'xds.cluster_name == "upstream"',
        'xds.virtual_host_name == "everything"', 'xds.listener_direction == 1', "!has(source.namespace)",
    ]
    text = "\n---\n".join(rule(f"r{number}", "DENY", f"!({want})") for number, want in enumerate(wanted))
    with launch({"policies": [policies(text)], "reasonHeader": "x-why"}, direction="INBOUND") as envoy:
        headers = [("user-agent", "tester"), ("referer", "http://a.test/")]
        answer = client.ask(envoy.port(), "/a/./b?c=d", method="PUT", headers=headers, body=b"12", host="Books.test:8080")
    assert (answer.status, answer.header("x-why")) == (200, [])


def test_constants_are_attributes(launch, policies):
    wanted = [
        'destination.workload.name == "reviews-v1"', 'destination.labels["app"] == "reviews"',
        '!("version" in destination.labels)', "size(destination.labels) == 2", "has(destination.labels)",
        'destination.labels.exists(name, destination.labels[name] == "b")', "company.tier == 3", "company.beta",
        '"a" in request.auth.audiences && !("b" in request.auth.audiences)', 'request.auth.claims["level"] == 3',
    ]
    manifest = json.dumps({
        "apiVersion": "purser.dev/v1alpha1", "kind": "AttributeManifest", "metadata": {"name": "ours"},
        "spec": {"attributes": {"company.tier": {"type": "int"}, "company.beta": {"type": "bool"}}},
    })
    rules = [rule(f"r{number}", "DENY", f"!({want})") for number, want in enumerate(wanted)]
    constants = {
        "destination.workload.name": "reviews-v1", "destination.labels": {"app": "reviews", "a": "b"},
        "company.tier": 3, "company.beta": True, "request.auth.audiences": ["a"],
        "request.auth.claims": {"level": 3, "name": "x"},
    }
    for as_text in (False, True):
        configuration = {
            "policies": [policies("\n---\n".join([manifest, *rules]))], "constants": constants, "reasonHeader": "x-why",
        }
        with launch(configuration, as_text=as_text) as envoy:
            answer = client.ask(envoy.port())
        assert (answer.status, answer.header("x-why")) == (200, [])
