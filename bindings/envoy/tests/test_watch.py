"""`watch`: files change under a running Envoy whose configuration stays as it is."""

import threading

import client
import proxy
import pytest
from test_decisions import rule
from test_http import METRICS, scrape
from test_reload import forbids


class ConfigMap:
    """A folder as Kubernetes mounts it: names are links through `..data`, which is swapped by a rename."""

    def __init__(self, folder):
        self.folder = folder
        self.version = 0
        folder.mkdir()

    def put(self, **files):
        self.version += 1
        made = self.folder / f"..{self.version}"
        made.mkdir()
        for name, text in files.items():
            (made / f"{name}.yaml").write_text(text)
            link = self.folder / f"{name}.yaml"
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}.yaml")
        fresh = self.folder / "..data_tmp"
        fresh.symlink_to(made.name)
        fresh.rename(self.folder / "..data")
        for link in self.folder.glob("*.yaml"):
            if link.stem not in files:
                link.unlink()
        for old in self.folder.glob(f"..{self.version - 1}/*"):
            old.unlink()


@pytest.fixture
def mounted(tmp_path):
    return ConfigMap(tmp_path / "mounted")


def changes(envoy):
    return envoy.log().count("purser: main: files changed: ")


def test_without_it_files_are_not_watched(launch, mounted):
    mounted.put(a=forbids("/a"))
    with launch({"policies": [str(mounted.folder)], "watch": False}) as envoy:
        assert client.ask(envoy.port(), "/a").status == 403
        mounted.put(a=forbids("/b"))
        assert "files changed" not in envoy.log()
        assert client.ask(envoy.port(), "/a").status == 403


def test_files_change_and_bad_ones_leave_the_old_policies(launch, mounted):
    mounted.put(a=forbids("/a"))
    with launch({"policies": [str(mounted.folder)], "watch": True}) as envoy:
        port = envoy.port()
        connection = client.Connection(port)
        assert [connection.ask(path).status for path in ("/a", "/b")] == [403, 200]
        mounted.put(a=forbids("/b"))
        proxy.until("an open connection meets the new policies", lambda: connection.ask("/b").status == 403)
        assert connection.ask("/a").status == 200
        mounted.put(a="kind: Nonsense")
        proxy.until("the bad ones are in the log", lambda: "not loaded, the old policies go on" in envoy.log())
        assert "a.yaml:1:" in envoy.log()
        assert [connection.ask(path).status for path in ("/a", "/b")] == [200, 403]
        # Nor may all enforced policies vanish.
        mounted.put(a=METRICS.replace('{listen: "127.0.0.1:PORT"}', "{}"))
        proxy.until("the empty set is refused", lambda: "no enforced Policy" in envoy.log())
        assert connection.ask("/b").status == 403
        mounted.put(a=forbids("/b"), b=rule("more", "DENY", 'request.url_path == "/c"'))
        proxy.until("a file more", lambda: connection.ask("/c").status == 403)
        connection.close()


def test_metrics_that_come_later_know_the_path(launch, mounted, free_port):
    mounted.put(a=forbids("/a"))
    with launch({"policies": [str(mounted.folder)], "watch": True}) as envoy:
        port = envoy.port()
        assert client.ask(port, "/a").status == 403
        metrics = METRICS.replace("PORT", str(free_port)).replace("purser.verdict}", "request.path}")
        mounted.put(a=forbids("/b"), m=metrics)
        proxy.until("the files were loaded", lambda: changes(envoy) >= 1)
        assert client.ask(port, "/b").status == 403
        assert any('"/b"' in name for name in scrape(free_port)), scrape(free_port)


def test_hundred_changes_under_traffic(launch, mounted):
    mounted.put(a=forbids("/0"))
    with launch({"policies": [str(mounted.folder)], "watch": True}, threads=2) as envoy:
        port = envoy.port()
        stop = threading.Event()
        sent, wrong = [0, 0], []

        def traffic(index):
            connection = client.Connection(port)
            while not stop.is_set():
                answer = connection.ask(f"/{sent[index] % 3}")
                sent[index] += 1
                if answer.status not in (200, 403):
                    wrong.append(answer.status)
            connection.close()

        def swap(number):
            mounted.put(a=forbids(f"/{number % 2}"))
            proxy.until(f"change {number}", lambda: changes(envoy) == number)
            assert client.ask(port, f"/{number % 2}").status == 403

        runners = [threading.Thread(target=traffic, args=(index,)) for index in range(2)]
        for runner in runners:
            runner.start()
        try:
            for number in range(1, 21):
                swap(number)
            warm = envoy.allocated_bytes()
            for number in range(21, 101):
                swap(number)
            grown = envoy.allocated_bytes() - warm
        finally:
            stop.set()
            for runner in runners:
                runner.join()
        assert wrong == []
        assert min(sent) > 100
        assert grown < 1 << 20, f"{grown} bytes more are allocated"
    assert envoy.log().count("policy set given up") == 1
    assert "stays" not in envoy.log()
