"""Policy changes in a running Envoy, by file-based listener and extension-config discovery."""

import json
import re
import threading

import client
import proxy
import pytest
from test_decisions import rule
from test_http import METRICS, scrape

LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
EXTENSION = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
MODULES = proxy.MODULES

# Replaced listeners give way within a second instead of ten minutes.
QUICK_DRAIN = ["-l", "warning", "--drain-time-s", "1", "--drain-strategy", "immediate"]


class Discovery:
    """The file that Envoy watches, and how the module's configuration gets into it."""

    def __init__(self, kind, tmp_path):
        self.kind = kind
        self.path = tmp_path / "discovery" / f"{kind}.json"
        self.path.parent.mkdir()
        self.access_log = (tmp_path / "access.log", "%RESPONSE_CODE%")
        self.version = 0

    def source(self):
        return {"path_config_source": {"path": str(self.path)}, "resource_api_version": "V3"}

    def boot(self, upstream_port):
        if self.kind == "lds":
            return proxy.bootstrap(upstream_port, dynamic={"lds_config": self.source()})
        found = {"name": "purser", "config_discovery": {"config_source": self.source(), "type_urls": [MODULES]}}
        return proxy.bootstrap(upstream_port, [proxy.listener([found])])

    def write(self, configuration):
        self.version += 1
        made = proxy.purser_filter(**configuration)
        if self.kind == "lds":
            resource = {"@type": LISTENER, **proxy.listener([made], self.access_log)}
        else:
            resource = {"@type": EXTENSION, **made}
        proxy.replace(self.path, {"version_info": str(self.version), "resources": [resource]})

    def stat(self, envoy, word):
        if self.kind == "lds":
            return envoy.stat(f"listener_manager.lds.update_{word}")
        words = {"success": "config_reload", "rejected": "config_fail"}
        return envoy.stat(f"extension_config_discovery.http_filter.purser.{words[word]}")


@pytest.fixture(params=["lds", "ecds"])
def discovery(request, tmp_path):
    return Discovery(request.param, tmp_path)


@pytest.fixture
def run(binary, modules, tmp_path, upstream, discovery):
    def start(configuration, threads=2):
        discovery.write(configuration)
        boot = discovery.boot(upstream.port)
        return proxy.Envoy(binary, modules, tmp_path, boot, threads, QUICK_DRAIN)

    return start


def forbids(path):
    return rule("forbidden", "DENY", f'request.url_path == "{path}"')


def test_new_policies_decide_and_bad_ones_do_not(run, discovery, policies):
    with run({"policies": [policies(forbids("/a"), "1.yaml")]}) as envoy:
        port = envoy.port()
        assert [client.ask(port, path).status for path in ("/a", "/b")] == [403, 200]

        discovery.write({"policies": [policies(forbids("/b"), "2.yaml")]})
        proxy.until("the second policies decide", lambda: client.ask(port, "/b").status == 403)
        assert client.ask(port, "/a").status == 200

        discovery.write({"policies": [policies("kind: Nonsense", "3.yaml")]})
        proxy.until("the third are refused", lambda: discovery.stat(envoy, "rejected") >= 1)
        assert "3.yaml:1:" in envoy.log()
        assert [client.ask(port, path).status for path in ("/a", "/b")] == [200, 403]

        discovery.write({"policies": [policies(forbids("/c"), "4.yaml")]})
        proxy.until("the fourth decide", lambda: client.ask(port, "/c").status == 403)


def test_swap_to_no_enforced_policy_is_refused_unless_it_is_meant(run, discovery, policies):
    backend = "apiVersion: purser.dev/v1alpha1\nkind: Backend\nmetadata: {name: prom}\nspec: {prometheus: {}}\n"
    meant = "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: edge}\nspec: {allowEmpty: true}\n"
    with run({"policies": [policies(forbids("/a"), "1.yaml")]}) as envoy:
        discovery.write({"policies": [policies(backend, "2.yaml")]})
        proxy.until("the refusal", lambda: discovery.stat(envoy, "rejected") >= 1)
        assert "no enforced Policy" in envoy.log()
        assert client.ask(envoy.port(), "/a").status == 403
        discovery.write({"policies": [policies(meant, "3.yaml")]})
        proxy.until("the empty set", lambda: client.ask(envoy.port(), "/a").status == 200)


def test_revision_alone_loads_the_same_files_anew(run, discovery, policies):
    path = policies(forbids("/a"))
    with run({"policies": [path], "revision": 1}) as envoy:
        port = envoy.port()
        assert client.ask(port, "/a").status == 403
        policies(forbids("/b"))
        discovery.write({"policies": [path], "revision": 2})
        proxy.until("the file was read again", lambda: client.ask(port, "/b").status == 403)
        assert client.ask(port, "/a").status == 200


def test_stream_under_way_ends_with_the_policies_it_began_with(run, discovery, policies, upstream, free_port):
    metrics = METRICS.replace("PORT", str(free_port)).replace("purser.verdict}", "purser.plan}")
    with run({"policies": [policies(forbids("/a") + "\n---" + metrics, "1.yaml")]}) as envoy:
        port = envoy.port()
        answers = []
        held = threading.Thread(target=lambda: answers.append(client.ask(port, "/hold").status))
        held.start()
        proxy.until("the upstream has the request", lambda: upstream.held == 1)
        first = re.findall(r"loaded .* digest (\w+)", envoy.log())[-1]

        discovery.write({"policies": [policies(rule("all", "DENY", "true") + "\n---" + metrics, "2.yaml")]})
        proxy.until("the second policies decide", lambda: client.ask(port, "/b").status == 403)
        assert envoy.log().count("policy set given up") == 0
        upstream.release.set()
        held.join()
        assert answers == [200]
        proxy.until("the first policy set is freed", lambda: envoy.log().count("policy set given up") == 1)
        (code,) = {
            re.search(r'code="(\d+)"', name)[1] for name in scrape(free_port) if f'verdict="{first}' in name
        }
        assert code == "200"


def test_hundred_swaps_under_traffic_leak_nothing(run, discovery, policies, free_port):
    metrics = METRICS.replace("PORT", str(free_port))
    # Every policy set has the same listener for metrics: it stays open over all swaps.
    texts = [policies(forbids(f"/{number}") + "\n---" + metrics, f"{number}.yaml") for number in range(2)]
    with run({"policies": [texts[0]], "revision": 0}) as envoy:
        port = envoy.port()
        stop = threading.Event()
        sent, wrong = [0, 0], []

        def traffic(index):
            connection = client.Connection(port)
            while not stop.is_set():
                try:
                    answer = connection.ask(f"/{sent[index] % 3}")
                except (OSError, client.http.client.HTTPException):
                    # A drained listener closes its connections between requests.
                    connection.close()
                    connection = client.Connection(port)
                    continue
                sent[index] += 1
                if answer.status not in (200, 403):
                    wrong.append(answer.status)
            connection.close()

        def swap(number):
            before = envoy.log().count("purser: main: loaded")
            discovery.write({"policies": [texts[number % 2]], "revision": number})
            proxy.until(f"swap {number}", lambda: envoy.log().count("purser: main: loaded") == before + 1)

        def settle(number):
            proxy.until(
                "replaced policy sets are freed", lambda: envoy.log().count("policy set given up") == number)

        runners = [threading.Thread(target=traffic, args=(index,)) for index in range(2)]
        for runner in runners:
            runner.start()
        try:
            for number in range(1, 21):
                swap(number)
            settle(20)
            warm = envoy.resident_bytes(), envoy.allocated_bytes()
            for number in range(21, 121):
                swap(number)
            settle(120)
            grown = envoy.resident_bytes() - warm[0], envoy.allocated_bytes() - warm[1]
        finally:
            stop.set()
            for runner in runners:
                runner.join()
        assert wrong == []
        assert min(sent) > 100
        assert grown[0] < 8 << 20, f"{grown[0]} bytes more are resident"
        assert grown[1] < 1 << 20, f"{grown[1]} bytes more are allocated"
        counted = sum(value for name, value in scrape(free_port).items() if name.startswith("requests_total"))
        assert counted >= sum(sent)
        assert client.ask(port, "/0").status == 403
    # All of them, the last one included, are gone when Envoy ends.
    assert envoy.log().count("policy set given up") == 121
    assert "stays" not in envoy.log()


def test_bad_policies_at_start_leave_the_listener_out(run, discovery, policies):
    with run({"policies": [policies("kind: Nonsense")]}) as envoy:
        proxy.until("the configuration is refused", lambda: discovery.stat(envoy, "rejected") >= 1)
        if discovery.kind == "lds":
            assert json.loads(envoy.admin("/listeners?format=json")) == {}
        else:
            assert client.ask(envoy.port()).status == 500
        discovery.write({"policies": [policies(forbids("/a"), "2.yaml")]})
        port = envoy.port()
        proxy.until("the good ones decide", lambda: client.ask(port, "/a").status == 403)


def test_open_connections_follow_extension_discovery_and_drain_after_listener_discovery(run, discovery, policies):
    with run({"policies": [policies(forbids("/a"), "1.yaml")]}) as envoy:
        port = envoy.port()
        connection = client.Connection(port)
        assert [connection.ask(path).status for path in ("/a", "/b")] == [403, 200]
        discovery.write({"policies": [policies(forbids("/b"), "2.yaml")]})
        if discovery.kind == "ecds":
            proxy.until("the connection meets the new policies", lambda: connection.ask("/b").status == 403)
            assert connection.ask("/a").status == 200
            connection.close()
        else:
            proxy.until("new connections meet the new policies", lambda: client.ask(port, "/b").status == 403)
            proxy.until("the old listener is drained", lambda: envoy.log().count("policy set given up") == 1)
        connection.close()


@pytest.mark.parametrize("discovery", ["lds"], indirect=True)
def test_engine_ends_with_the_last_listener_and_comes_back(run, discovery, policies, free_port):
    documents = {"policies": [policies(forbids("/a") + "\n---" + METRICS.replace("PORT", str(free_port)))]}

    def is_open():
        try:
            scrape(free_port)
            return True
        except OSError:
            return False

    with run(documents) as envoy:
        assert client.ask(envoy.port(), "/a").status == 403
        assert scrape(free_port)["purser_reports_total"] == 1
        proxy.replace(discovery.path, {"version_info": "none", "resources": []})
        proxy.until("the metrics' port is closed", lambda: not is_open())
        discovery.write(documents)
        assert client.ask(envoy.port(), "/a").status == 403
        assert scrape(free_port)["purser_reports_total"] == 1
