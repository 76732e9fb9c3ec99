"""Stands for OPA, which neither Debian nor PyPI has as a server: OPA's REST shape around a real Rego engine (regopy).

Prints its port when it serves, and ends when its standard input does.
"""
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from regopy import Interpreter

MODULE = """
package mesh

import rego.v1

default allow := false

allow if {
    input.user == "ann"
    input.method in ["GET", "HEAD"]
}

levels := [1, 2.5, -3]

who := input
"""

lock = threading.Lock()
rego = Interpreter()
rego.add_module("mesh", MODULE)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        text = self.rfile.read(int(self.headers["content-length"]))
        path = self.path.split("?")[0]
        if not path.startswith("/v1/data/") or self.headers["content-type"] != "application/json":
            return self.answer(400, b'{"code": "invalid_parameter"}')
        query = "data." + path[len("/v1/data/"):].replace("/", ".")
        with lock:
            rego.set_input(json.loads(text)["input"])
            found = rego.query("x = " + query)
        document = {}
        try:
            document["result"] = json.loads(str(found))["bindings"]["x"]
        except (KeyError, IndexError, TypeError, ValueError):
            pass  # undefined: OPA answers without `result`
        self.answer(200, json.dumps(document).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
