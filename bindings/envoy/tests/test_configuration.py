"""Configurations that are refused, and what Envoy's log then says."""

import socket

import client
import proxy
import pytest
from test_decisions import SITE, rule
from test_http import METRICS

VALIDATE = ["--mode", "validate", "-l", "info"]


@pytest.fixture
def refuse(binary, modules, tmp_path):
    """Starts an Envoy that must end by itself; gives its log."""

    def run(configuration, arguments=("-l", "warning"), **how):
        boot = proxy.bootstrap(1, [proxy.listener([proxy.purser_filter(**how, **configuration)])])
        status, log = proxy.Envoy(binary, modules, tmp_path, boot, 1, arguments).run_to_end()
        assert status == 1, log
        return log

    return run


def test_every_line_of_every_diagnostic_is_logged(refuse, policies):
    text = rule("a", "DENY", "request.methode == 'GET'") + "\n---\n" + rule("b", "ALLOW", "request.path == 3")
    log = refuse({"policies": [policies(text)]})
    assert "policies.yaml:1:" in log and "policies.yaml:3:" in log
    assert "request.methode" in log
    assert log.count("^") == 2
    assert "policies not loaded" in log


def test_attributes_that_envoy_cannot_supply_are_named(refuse, policies):
    text = rule("a", "DENY", 'source.workload.name == "x"') + "\n---\n" + rule("b", "DENY", 'source.labels["v"] == "1"')
    text += "\n---\n" + rule("c", "DENY", 'client.address == "192.0.2.1"')
    text += "\n---\n" + rule("d", "DENY", 'destination.workload.name == "x"')
    log = refuse({"policies": [policies(text)]})
    for name in ("source.workload.name", "source.labels", "client.address", "destination.workload.name"):
        assert f"the host does not supply attribute `{name}`" in log
    log = refuse({"policies": [policies(text)], "constants": {"destination.workload.name": "x"}, "clientAddress": True})
    assert "`source.workload.name`" in log
    assert "`client.address`" not in log and "`destination.workload.name`" not in log


@pytest.mark.parametrize("configuration, complaint", [
    ({}, "`policies` is missing"),
    ({"policies": []}, "`policies` must be a list"),
    ({"policies": [1]}, "the one at 0 is none"),
    ({"policies": ["p"], "polices": []}, "`polices` is no member"),
    ({"policies": ["p"], "reasonHeader": "X Reason"}, "`reasonHeader` must be"),
    ({"policies": ["p"], "reasonHeader": True}, "`reasonHeader` must be"),
    ({"policies": ["p"], "metadata": "some"}, "`metadata` must be"),
    ({"policies": ["p"], "clientAddress": "yes"}, "`clientAddress` must be"),
    ({"policies": ["p"], "watch": "yes"}, "`watch` must be"),
    ({"policies": ["p"], "store": "/tmp/store"}, "`store` must be an object"),
    ({"policies": ["p"], "store": {}}, "`store.directory` must be"),
    ({"policies": ["p"], "store": {"directory": 1}}, "`store.directory` must be"),
    ({"policies": ["p"], "store": {"directory": "s", "size": 1}}, "`store.size` is no member"),
    ({"policies": ["p"], "store": {"directory": "s", "bytes": 1000}}, "`store.bytes` must be a whole number of bytes, 1048576 at least"),
    ({"policies": ["p"], "store": {"directory": "s", "bytes": "1 MiB"}}, "`store.bytes` must be"),
    ({"policies": ["p"], "workerCacheBytes": 0}, "`workerCacheBytes` must be"),
    ({"policies": ["p"], "workerCacheBytes": 1.5}, "`workerCacheBytes` must be"),
    ({"policies": ["p"], "constants": []}, "`constants` must be an object"),
    ({"policies": ["p"], "constants": {"app": "x"}}, "`app` is no attribute"),
    ({"policies": ["p"], "constants": {"response.code": 3}}, "`response.code` is an attribute of responses"),
    ({"policies": ["p"], "constants": {"destination.port": "80"}}, "`destination.port` must be of type int"),
    ({"policies": ["p"], "constants": {"destination.labels": "x"}}, "`destination.labels` must be of type map(string,string)"),
    ({"policies": ["p"], "constants": {"destination.labels": {"a": 1}}}, "`destination.labels` must be of type map"),
    ({"policies": ["p"], "constants": {"request.auth.audiences": ["a", 1]}}, "must be of type list(string)"),
    ({"policies": ["p"], "constants": {"company.what": None}}, "`company.what` must be of type string, number or bool"),
    ({"policies": ["p"], "constants": {"request.time": "now"}}, "`request.time` must be of type timestamp"),
    ({"policies": ["p"], "constants": {"request.method": "GET"}}, "`request.method` is what Envoy tells of each request"),
    ({"policies": ["p"], "constants": {"source.principal": "a"}}, "`source.principal` is what Envoy tells of each request"),
    ({"policies": ["/nowhere/at/all.yaml"]}, "/nowhere/at/all.yaml"),
])
def test_wrong_members_are_named(refuse, configuration, complaint):
    assert complaint in refuse(configuration, as_text=len(configuration) % 2 == 0)


@pytest.mark.parametrize("text, complaint", [
    ("", "there is none"), ("[]", "must be a JSON object"), ("{", "not JSON: line 1"),
    ('{"policies": ["a"], "policies": ["b"]}', "not JSON: line 1"),
])
def test_text_that_is_no_configuration(binary, modules, tmp_path, text, complaint):
    made = proxy.purser_filter(as_text=True)
    made["typed_config"]["filter_config"]["value"] = text
    boot = proxy.bootstrap(1, [proxy.listener([made])])
    status, log = proxy.Envoy(binary, modules, tmp_path, boot).run_to_end()
    assert status == 1 and complaint in log


def test_validation_loads_everything_and_opens_nothing(binary, modules, tmp_path, policies, refuse):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        path = policies(SITE + "---" + METRICS.replace("PORT", str(taken.getsockname()[1])))
        made = proxy.purser_filter(policies=[path], store={"directory": str(tmp_path / "store")})
        boot = proxy.bootstrap(1, [proxy.listener([made])])
        status, log = proxy.Envoy(binary, modules, tmp_path, boot, 1, VALIDATE).run_to_end()
        assert status == 0, log
        assert not (tmp_path / "store").exists()
        assert "validated 1 policies with 3 rules, 1 metrics" in log
        # Without validation the port is needed.
        assert "Backend `prom`" in refuse({"policies": [path]})
    assert "policies not loaded" in refuse({"policies": [policies("kind: Nothing")]}, VALIDATE)


def test_warnings_do_not_refuse(launch, policies):
    text = rule("careless", "DENY", 'request.headers["x-level"] == "low"')
    with launch({"policies": [policies(text)]}) as envoy:
        assert "may be absent" in envoy.log()
        assert client.ask(envoy.port(), headers=[("x-level", "high")]).status == 200


def test_two_filters_share_the_engine(binary, modules, tmp_path, upstream, policies, free_port):
    """Each has its own policies; metrics of both are behind one listener."""
    first = policies(SITE + "---" + METRICS.replace("PORT", str(free_port)), "first.yaml")
    second = policies(
        rule("no-books", "DENY", 'request.url_path == "/books"') + "\n---" + METRICS.replace("PORT", str(free_port)),
        "second.yaml")
    filters = [proxy.purser_filter("one", policies=[first]), proxy.purser_filter("two", policies=[second])]
    filters[1]["name"] = "purser-two"
    with proxy.Envoy(binary, modules, tmp_path, proxy.bootstrap(upstream.port, [proxy.listener(filters)])) as envoy:
        assert client.ask(envoy.port(), "/admin").status == 404
        assert client.ask(envoy.port(), "/books").status == 403
        assert client.ask(envoy.port(), "/other").status == 200
        text = client.ask(free_port, "/metrics").body.decode()
        assert "purser_reports_total 5" in text
