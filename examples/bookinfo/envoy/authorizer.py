"""An external authorization service, far away and slow: ext_authz over HTTP, each answer takes DELAY seconds.

    authorizer.py DELAY    prints its port, serves until it is ended

Who sends `x-user: mallory` is denied, everybody else is allowed. GET /asked answers how many questions there were.
"""

import http.server
import sys
import threading
import time

DELAY = float(sys.argv[1])
asked = 0
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        global asked
        if self.path == "/asked":
            return self.answer(200, [], str(asked))
        with lock:
            asked += 1
        time.sleep(DELAY)
        if self.headers.get("x-user") == "mallory":
            return self.answer(403, [("x-denied-by", "authorizer")], "not you\n")
        return self.answer(200, [("x-tier", "gold")], "")

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
