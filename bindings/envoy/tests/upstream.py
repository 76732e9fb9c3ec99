"""The service behind Envoy: answers with what it was asked, as JSON."""

import hashlib
import http.server
import json
import threading


class Upstream:
    """Listens on a port of the system's choice from construction to close()."""

    def __init__(self):
        self.requests = 0
        self.held = 0
        self.release = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self):
                outer.requests += 1
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                if self.path.startswith("/hold"):
                    outer.held += 1
                    outer.release.wait(30)
                told = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": len(body),
                    "digest": hashlib.sha256(body).hexdigest()}
                text = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # A peer that went away is part of some tests.

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
