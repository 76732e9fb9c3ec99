"""A real Envoy with the module, for one test: configuration, start, ports, admin, end.

Ports are Envoy's own choice (port_value 0) and read from its admin interface; nothing here waits for a time, only for
a state, up to DEADLINE seconds.
"""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

DEADLINE = 30

MODULES = "type.googleapis.com/envoy.extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
DOWNSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
TLS_INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"


def until(what, condition):
    """The first true answer of condition(); fails after DEADLINE seconds."""
    end = time.monotonic() + DEADLINE
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"still not: {what}")
        time.sleep(0.02)


def purser_filter(name="main", as_text=False, **configuration):
    """The module as an HTTP filter; its configuration as a Struct, or as JSON text."""
    if as_text:
        value = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": json.dumps(configuration)}
    else:
        value = {"@type": "type.googleapis.com/google.protobuf.Struct", "value": configuration}
    return {
        "name": "purser",
        "typed_config": {
            "@type": MODULES,
            "dynamic_module_config": {"name": "purser_envoy"},
            "filter_name": name,
            "filter_config": value,
        },
    }


def listener(filters, log=None, tls=None, address="127.0.0.1", direction="UNSPECIFIED", **manager):
    """One listener that routes everything to the upstream."""
    route = {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "20s", **manager.pop("route", {})}}
    typed = {
        "@type": MANAGER,
        "stat_prefix": "main",
        "http_filters": [*filters, {"name": "router", "typed_config": {"@type": ROUTER}}],
        "route_config": {
            "name": "routes",
            "virtual_hosts": [{"name": "everything", "domains": ["*"], "routes": manager.pop("routes", []) + [route]}],
        },
        "http2_protocol_options": {},
        **manager,
    }
    if log is not None:
        path, words = log
        typed["access_log"] = [
            {
                "name": "log",
                "typed_config": {
                    "@type": FILE_LOG,
                    "path": str(path),
                    "log_format": {"text_format_source": {"inline_string": words + "\n"}},
                },
            }
        ]
    chain = {"filters": [{"name": "http", "typed_config": typed}]}
    if tls is not None:
        chain["transport_socket"] = {"name": "tls", "typed_config": {"@type": DOWNSTREAM_TLS, **tls}}
    # Envoy knows the name that a client asks for only from this one.
    inspector = {"name": "tls", "typed_config": {"@type": TLS_INSPECTOR}}
    return {
        "name": "main",
        "listener_filters": [inspector] if tls is not None else [],
        "address": {"socket_address": {"address": address, "port_value": 0}},
        "traffic_direction": direction,
        "filter_chains": [chain],
    }


def bootstrap(upstream_port, listeners=(), dynamic=None):
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": upstream_port}}}}
    made = {
        "node": {"id": "test", "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {
            "listeners": list(listeners),
            "clusters": [
                {
                    "name": "upstream",
                    "type": "STATIC",
                    "connect_timeout": "2s",
                    "load_assignment": {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]},
                }
            ],
        },
    }
    if dynamic is not None:
        made["dynamic_resources"] = dynamic
    return made


class Envoy:
    """A running Envoy. Use it in a `with` statement."""

    def __init__(self, binary, modules, folder, configuration, threads=1, arguments=("-l", "warning")):
        """The configuration is what bootstrap() makes, or the path of a file, whose folder is then Envoy's."""
        self.folder = pathlib.Path(folder)
        self.log_path = self.folder / "envoy.log"
        self.output_path = self.folder / "envoy.out"
        self.admin_path = self.folder / "admin.txt"
        self.working_folder = self.folder
        if isinstance(configuration, pathlib.Path):
            path = configuration
            self.working_folder = path.parent
        else:
            path = self.folder / "envoy.json"
            path.write_text(json.dumps(configuration))
        self.command = [
            str(binary), "-c", str(path), "--concurrency", str(threads), "--use-dynamic-base-id",
            "--admin-address-path", str(self.admin_path), "--component-log-level", "dynamic_modules:debug", *arguments,
        ]
        self.environment = {**os.environ, "ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(modules)}
        self.process = None

    def run_to_end(self):
        """For configurations that are refused, and for --mode validate: exit status and log."""
        done = subprocess.run(
            self.command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE)
        return done.returncode, done.stdout.decode()

    def __enter__(self):
        # Standard error and not --log-path, which Envoy writes with delay.
        with open(self.log_path, "wb") as log, open(self.output_path, "wb") as output:
            self.process = subprocess.Popen(
                self.command, cwd=self.working_folder, env=self.environment, stdout=output, stderr=log)
        try:
            until("Envoy is ready", self._is_ready)
        except BaseException:
            self.process.kill()
            self.process.wait()
            print(self.log())
            raise
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        if error is not None:
            print(self.log())
        elif status != 0:
            raise AssertionError(f"Envoy ended with {status}:\n{self.log()}")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"Envoy ended with {self.process.returncode}")
        if not self.admin_path.exists() or not self.admin_path.read_text():
            return False
        try:
            return self.admin("/ready").startswith("LIVE")
        except OSError:
            return False

    def admin(self, path, method="GET"):
        host, port = self.admin_path.read_text().rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        connection.request(method, path)
        body = connection.getresponse().read().decode()
        connection.close()
        return body

    def port(self, name="main"):
        def find():
            for status in json.loads(self.admin("/listeners?format=json")).get("listener_statuses", []):
                if status["name"] == name:
                    return status["local_address"]["socket_address"]["port_value"]
            return None

        return until(f"listener {name} listens", find)

    def stat(self, name):
        found = re.search(rf"^{re.escape(name)}: (\d+)$", self.admin(f"/stats?filter={re.escape(name)}"), re.M)
        return int(found[1]) if found else 0

    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    def allocated_bytes(self):
        """What is allocated and not freed, by Envoy's own allocator, which serves the module too."""
        return int(json.loads(self.admin("/memory"))["allocated"])

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")


def replace(path, value):
    """Puts JSON into a file that Envoy watches: by a move, which is what it watches for."""
    path = pathlib.Path(path)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value))
    fresh.replace(path)
