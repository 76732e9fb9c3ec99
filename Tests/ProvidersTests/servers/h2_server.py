"""HTTP/2 without TLS as no gRPC server should speak it. The authority says how.

Prints its port when it serves, and ends when its standard input does.
"""
import asyncio
import struct
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from h2.exceptions import ProtocolError


def frame(message, flag=0, size=None):
    return struct.pack(">BI", flag, len(message) if size is None else size) + message


GRPC = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0")]

ANSWERS = {  # headers, body, trailers
    "ok": (GRPC, frame(b""), OK),
    "compressed": (GRPC, frame(b"", flag=1), OK),
    "short-frame": (GRPC, b"\0\0", OK),
    "wrong-length": (GRPC, frame(b"\x0a\0", size=9), OK),
    "two-frames": (GRPC, frame(b"") + frame(b""), OK),
    "no-frame": (GRPC, b"", OK),
    "no-status": (GRPC, frame(b""), []),
    "odd-status": (GRPC, frame(b""), [("grpc-status", "fine")]),
    "trailers-only": (GRPC + [("grpc-status", "14"), ("grpc-message", "gone%20away%0A")], None, None),
    "no-grpc": ([(":status", "200"), ("content-type", "text/html")], b"<html>", []),
    "http-503": ([(":status", "503"), ("content-type", "text/plain")], b"busy", []),
}


class Connection(asyncio.Protocol):
    asked = 0

    def connection_made(self, transport):
        self.transport = transport
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.authorities = {}
        self.flush()

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def data_received(self, data):
        try:
            events = self.h2.receive_data(data)
        except ProtocolError:
            return self.transport.close()
        for event in events:
            if isinstance(event, RequestReceived):
                self.authorities[event.stream_id] = dict(event.headers)[":authority"]
            if isinstance(event, StreamEnded):
                self.answer(event.stream_id, self.authorities[event.stream_id])
        self.flush()

    def answer(self, stream, mode):
        self.asked += 1
        if mode == "hang":
            return
        if mode == "reset-stream":
            return self.h2.reset_stream(stream, error_code=8)
        if mode == "close" or mode == "second-dies" and self.asked == 2:
            return self.transport.close()
        if mode == "goaway" and self.asked == 2:
            self.h2.close_connection(last_stream_id=stream - 2)
            self.flush()
            return self.transport.close()
        headers, body, trailers = ANSWERS.get(mode, ANSWERS["ok"])
        self.h2.send_headers(stream, headers, end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=not trailers)
            if trailers:
                self.h2.send_headers(stream, trailers, end_stream=True)
        if mode == "retires" and self.asked == 2:
            self.h2.close_connection(last_stream_id=stream)
            self.flush()
            self.transport.close()


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
