"""HTTP/1.1 as nobody should speak it. The first part of the path says how.

Prints its port when it serves, and ends when its standard input does.
"""
import asyncio
import socket
import struct
import sys


def answer(body, headers=(), status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def serve(reader, writer):
    asked = 0
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            size = next((int(line.split(":")[1]) for line in head.split("\r\n")
                         if line.lower().startswith("content-length:")), 0)
            await reader.readexactly(size)
            asked += 1
            target = head.split(" ")[1]
            if not target.startswith("/"):  # such as HTTP/2's preface
                return
            mode = target.split("?")[0].split("/")[1]
            if mode == "hang":
                await reader.read()
                return
            if mode == "reset":
                return reset(writer)
            if mode == "close":
                return writer.close()
            if mode == "half":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}")
                await writer.drain()
                return writer.close()
            if mode == "garbage":
                writer.write(b"\x00\x01\x02 this is no HTTP\r\n\r\n")
                await writer.drain()
                return writer.close()
            if mode == "slow":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
                while not writer.is_closing():
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.01)
            if mode == "failing":
                writer.write(answer(b"", [], "503 Service Unavailable"))
            if mode == "huge":
                writer.write(answer(b"[" + b"1," * 500_000 + b"1]"))
            if mode == "endless-headers":
                writer.write(b"HTTP/1.1 200 OK\r\n")
                writer.write("".join(f"x-{number}: {'y' * 100}\r\n" for number in range(5_000)).encode())
                writer.write(b"content-length: 2\r\n\r\n{}")
            if mode == "redirect":
                writer.write(answer(b"", ["location: /ok"], "302 Found"))
            if mode == "second-dies" and asked == 2:
                return writer.close()
            if mode in ("ok", "second-dies", "closes-after"):
                writer.write(answer(b'{"result": true}', ["x-asked: %d" % asked]))
            if mode == "closes-after":
                await writer.drain()
                return writer.close()
            if mode == "interim":
                writer.write(b"HTTP/1.1 103 Early Hints\r\nx-early: 1\r\n\r\n" + answer(b"{}", ["x-late: 1"]))
            if mode == "smuggle":
                writer.write(answer(b"", ["x-user: ann", " x-folded: 1", "bad name: 1", "x\x01: 2", "Connection: keep-alive",
                                          "x-user: bob"]))
            if mode == "cached":
                writer.write(answer(b"", ["cache-control: private, max-age=60", "age: 10"]))
            if mode == "echo":
                writer.write(answer(head.encode("latin-1"), [], "403 Forbidden"))
            if mode == "json":
                writer.write(answer(JSON[head.split(" ")[1].split("/")[2]]))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


JSON = {
    "empty": b"",
    "cut": b'{"result": tr',
    "twice": b'{"result": false, "result": true}',
    "more": b'{"result": true} {"result": false}',
    "list": b"[true]",
    "latin": b'{"result": "\xe9"}',
    "deep": b'{"result": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "nul": b'{"result": "a\\u0000b", "n": -5, "x": 1.5, "y": [null, true, {}]}',
    "large": b'{"result": 99999999999999999999}',
}


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
