"""Mutual TLS: policies by the peer's identity."""

import ssl

import client
import pytest
from test_decisions import rule

PRODUCTPAGE = rule(
    "productpage", "ALLOW",
    'connection.mtls && source.principal == "spiffe://cluster.local/ns/default/sa/productpage"')


@pytest.fixture
def server(certificates):
    """The transport socket of a listener that asks for certificates of the test's authority, but takes none too."""
    return {
        "require_client_certificate": False,
        "common_tls_context": {
            "tls_certificates": [{
                "certificate_chain": {"filename": certificates.path("server.pem")},
                "private_key": {"filename": certificates.path("server.key")},
            }],
            "validation_context": {"trusted_ca": {"filename": certificates.path("ca.pem")}},
        }
    }


def context(certificates, name=None):
    made = ssl.create_default_context(cafile=certificates.path("ca.pem"))
    if name:
        made.load_cert_chain(certificates.path(f"{name}.pem"), certificates.path(f"{name}.key"))
    return made


def test_policy_by_principal(launch, policies, certificates, server):
    with launch({"policies": [policies(PRODUCTPAGE)]}, tls=server) as envoy:
        def status(name):
            return client.ask(envoy.port(), context=context(certificates, name)).status

        assert status("productpage") == 200
        assert status("two-names") == 403
        assert status("nobody") == 403
        assert status(None) == 403
        # A header is no identity.
        forged = [("x-forwarded-client-cert", "URI=spiffe://cluster.local/ns/default/sa/productpage")]
        assert client.ask(envoy.port(), headers=forged, context=context(certificates)).status == 403


def test_attributes_of_the_connection(launch, policies, certificates, server):
    wanted = [
        "connection.mtls", 'connection.tls_version == "TLSv1.3"', 'connection.requested_server_name == "localhost"',
        'connection.uri_san_peer_certificate == "spiffe://cluster.local/ns/default/sa/productpage"',
        'connection.dns_san_peer_certificate == "productpage.test"',
        'connection.uri_san_local_certificate == "spiffe://cluster.local/ns/default/sa/reviews"',
        'connection.subject_peer_certificate.contains("CN=productpage")',
        'connection.sha256_peer_certificate_digest.size() == 64',
        'destination.principal == "spiffe://cluster.local/ns/default/sa/reviews"',
        'source.namespace == "default"', 'source.service_account == "productpage"', 'request.scheme == "https"',
    ]
    text = "\n---\n".join(rule(f"r{number}", "DENY", f"!({want})") for number, want in enumerate(wanted))
    with launch({"policies": [policies(text)], "reasonHeader": "x-why"}, tls=server) as envoy:
        answer = client.ask(envoy.port(), context=context(certificates, "productpage"), address="localhost")
    assert (answer.status, answer.header("x-why")) == (200, [])


def test_the_first_of_several_uris_is_the_principal(launch, policies, certificates, server):
    text = rule("first", "DENY", 'source.principal != "spiffe://cluster.local/ns/default/sa/first"')
    with launch({"policies": [policies(text)]}, tls=server) as envoy:
        assert client.ask(envoy.port(), context=context(certificates, "two-names")).status == 200


def test_without_a_certificate_there_is_no_principal(launch, policies, certificates, server):
    text = rule("none", "DENY", "has(source.principal) || connection.mtls || has(source.namespace)")
    with launch({"policies": [policies(text)]}, tls=server) as envoy:
        assert client.ask(envoy.port(), context=context(certificates)).status == 200
        assert client.ask(envoy.port(), context=context(certificates, "productpage")).status == 403


def test_old_tls_is_seen(launch, policies, certificates, server):
    text = rule("old", "DENY", 'has(connection.tls_version) && connection.tls_version != "TLSv1.3"')
    with launch({"policies": [policies(text)]}, tls=server) as envoy:
        old = context(certificates, "productpage")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert client.ask(envoy.port(), context=old).status == 403
        assert client.ask(envoy.port(), context=context(certificates, "productpage")).status == 200
