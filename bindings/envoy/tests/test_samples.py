"""The samples are what they say: an Envoy with the module, and a policy change without a restart."""

import pathlib
import shutil

import client
import proxy
from test_http import scrape

SAMPLES = pathlib.Path(__file__).resolve().parents[1] / "samples"


def test_sample_serves_and_changes_its_policy(binary, modules, tmp_path, upstream, free_port):
    shutil.copytree(SAMPLES, tmp_path / "samples")
    here = tmp_path / "samples"

    def edit(name, *changes):
        text = (here / name).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        fresh = here / (name + ".new")
        fresh.write_text(text)
        fresh.replace(here / name)

    # Ports that are free here instead of the sample's.
    edit("envoy.yaml", ("port_value: 8080", f"port_value: {upstream.port}"), ("port_value: 10000", "port_value: 0"),
         ("port_value: 9901", "port_value: 0"))
    edit("policies/site.yaml", ("127.0.0.1:15090", f"127.0.0.1:{free_port}"))

    with proxy.Envoy(binary, modules, tmp_path, here / "envoy.yaml") as envoy:
        connection = client.Connection(envoy.port())
        assert connection.ask("/books").upstream_header("x-caller") == ["reader"]
        denied = connection.ask("/admin")
        assert (denied.status, denied.body) == (403, b"not from here\n")
        assert denied.header("x-purser-reason") == ["DENY rule `no-admin` of policy `site` holds"]
        assert scrape(free_port)['requests_total{code="403",verdict="deny",workload="service-v1"}'] == 1

        edit("policies/site.yaml", ("/admin", "/books"))
        edit("purser.yaml", ("revision: 1", "revision: 2"))
        # On the open connection too.
        proxy.until("the policy has changed", lambda: connection.ask("/books").status == 403)
        assert connection.ask("/admin").status == 200
        connection.close()
    assert envoy.output_path.read_text().splitlines()[:2] == [
        "GET /books 200 via_upstream -", "GET /admin 403 purser:DENY_rule_no-admin_of_policy_site_holds no-admin",
    ]
