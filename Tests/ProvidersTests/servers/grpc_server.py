"""An ext_authz server by grpcio, as anybody would write it. What it answers is told by the request's path.

Prints its port when it serves, and ends when its standard input does.

    grpc_server.py STUBS [--tls CERTIFICATE KEY AUTHORITY] [--unix PATH]
"""
import json
import os
import sys
import threading
from concurrent import futures

os.environ["GRPC_VERBOSITY"] = "NONE"
stubs = sys.argv[1]
sys.path.insert(0, stubs)

import grpc  # noqa: E402
from envoy.config.core.v3 import base_pb2  # noqa: E402
from envoy.service.auth.v3 import external_auth_pb2 as auth  # noqa: E402
from envoy.service.auth.v3 import external_auth_pb2_grpc as service  # noqa: E402
from google.protobuf import json_format  # noqa: E402
from google.rpc import status_pb2  # noqa: E402

Option = base_pb2.HeaderValueOption


def option(key, value, append=None, action=0):
    made = Option(header=base_pb2.HeaderValue(key=key, value=value), append_action=action)
    if append is not None:
        made.append.value = append
    return made


def allow(request):
    return auth.CheckResponse()


def echo(request):
    text = json.dumps(json_format.MessageToDict(request.attributes), sort_keys=True)
    return auth.CheckResponse(ok_response=auth.OkHttpResponse(headers=[option("x-echo", text)]))


def changes(request):
    return auth.CheckResponse(
        status=status_pb2.Status(code=0, message="welcome"),
        ok_response=auth.OkHttpResponse(
            headers=[
                option("X-User", "ann"),
                option("x-group", "a", append=True),
                option("x-set", "b", append=False),
                option("x-absent", "c", action=Option.ADD_IF_ABSENT),
                option("x-there", "d", action=Option.OVERWRITE_IF_EXISTS),
                option("x-over", "e", action=Option.OVERWRITE_IF_EXISTS_OR_ADD),
                option("host", "evil"),
                option("content-length", "7"),
                option(":path", "/evil"),
                option("transfer-encoding", "chunked"),
                Option(header=base_pb2.HeaderValue(key="x-raw", raw_value=b"\xff\x01")),
            ],
            headers_to_remove=["Authorization", "Host"],
            response_headers_to_add=[option("x-seen", "1"), option("x-one", "2", append=False)],
            query_parameters_to_set=[base_pb2.QueryParameter(key="q", value="v")],
            query_parameters_to_remove=["debug"],
        ),
    )


def deny(request):
    answer = auth.CheckResponse(status=status_pb2.Status(code=7, message="no ann here"))
    answer.denied_response.status.code = 401
    answer.denied_response.body = "go away\0\n"
    answer.denied_response.headers.extend(
        [option("set-cookie", "a=1"), option("set-cookie", "b=2"), option("www-authenticate", "Basic")])
    return answer


def deny_plain(request):
    return auth.CheckResponse(status=status_pb2.Status(code=16))


def deny_strange(request):
    answer = auth.CheckResponse(status=status_pb2.Status(code=7))
    answer.denied_response.status.code = 99
    return answer


def error(request):
    answer = auth.CheckResponse(status=status_pb2.Status(code=13))
    answer.error_response.status.code = 500
    return answer


def split_header(request):
    return auth.CheckResponse(ok_response=auth.OkHttpResponse(headers=[option("x-a", "b\r\nx-admin: 1")]))


def huge(request):
    return auth.CheckResponse(status=status_pb2.Status(code=7, message="x" * 200_000))


def many(request):
    return auth.CheckResponse(ok_response=auth.OkHttpResponse(headers=[option("x", "y")] * 300))


class Server(service.AuthorizationServicer):
    def Check(self, request, context):
        path = request.attributes.request.http.path.strip("/").split("?")[0]
        if path == "unavailable":
            context.abort(grpc.StatusCode.UNAVAILABLE, "being restarted: 100% down\n")
        if path == "hang":
            ended = threading.Event()
            context.add_callback(ended.set)
            ended.wait()
        if path == "garbage":
            return b"\x0a\xff\xff\xff\xff\xff"
        return globals()[path.replace("-", "_") or "allow"](request)


def serialize(answer):
    return answer if isinstance(answer, bytes) else answer.SerializeToString()


def main():
    arguments = sys.argv[2:]
    server = grpc.server(futures.ThreadPoolExecutor(64))
    handler = grpc.unary_unary_rpc_method_handler(
        Server().Check, request_deserializer=auth.CheckRequest.FromString, response_serializer=serialize)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("envoy.service.auth.v3.Authorization", {"Check": handler})])
    if "--tls" in arguments:
        at = arguments.index("--tls")
        certificate, key, authority = (open(file, "rb").read() for file in arguments[at + 1:at + 4])
        credentials = grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)
        port = server.add_secure_port("127.0.0.1:0", credentials)
    elif "--unix" in arguments:
        server.add_insecure_port("unix:" + arguments[arguments.index("--unix") + 1])
        port = 0
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)


main()
