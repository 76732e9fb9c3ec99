"""Requests: HTTP/1.1 by Python's own client, HTTP/2 by curl."""

import http.client
import json
import subprocess
import tempfile


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        """All values of a response header, in order."""
        return [value for key, value in self.headers if key.lower() == name]

    def upstream(self):
        """What the upstream says it was asked."""
        return json.loads(self.body)

    def upstream_header(self, name):
        return [value for key, value in self.upstream()["headers"] if key.lower() == name]


class Connection:
    """One HTTP/1.1 connection, kept alive."""

    def __init__(self, port, host="127.0.0.1", context=None):
        if context is None:
            self.connection = http.client.HTTPConnection(host, port, timeout=30)
        else:
            self.connection = http.client.HTTPSConnection(host, port, timeout=30, context=context)

    def ask(self, path="/", method="GET", headers=(), body=None, host="example.test"):
        self.connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        self.connection.putheader("Host", host)
        for name, value in headers:
            self.connection.putheader(name, value)
        if body is not None:
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body)
        answer = self.connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())

    def close(self):
        self.connection.close()


def ask(port, path="/", **how):
    context = how.pop("context", None)
    address = how.pop("address", "127.0.0.1")
    connection = Connection(port, address, context)
    try:
        return connection.ask(path, **how)
    finally:
        connection.close()


def ask_http2(port, path="/", method="GET", headers=()):
    """Over cleartext HTTP/2, with prior knowledge."""
    command = ["curl", "--silent", "--show-error", "--max-time", "30", "--http2-prior-knowledge", "--path-as-is"]
    command += ["--request", method, "--output", "-"]
    for name, value in headers:
        command += ["--header", f"{name}: {value}"]
    with tempfile.NamedTemporaryFile("r") as heads:
        command += ["--dump-header", heads.name, f"http://127.0.0.1:{port}{path}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        first, *lines = [line for line in heads.read().splitlines() if line]
    assert first.startswith("HTTP/2 ")
    pairs = [tuple(line.split(": ", 1)) for line in lines]
    return Answer(int(first.split()[1]), pairs, done.stdout)
