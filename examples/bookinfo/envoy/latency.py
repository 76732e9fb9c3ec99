"""Latency of the same request through two listeners, taken in turns, so that a busy moment hits both.

    latency.py CERTIFICATE KEY AUTHORITY REQUESTS NAME=PORT NAME=PORT
"""

import http.client
import ssl
import sys
import time

BLOCK = 50


class Listener:
    def __init__(self, name, port, context):
        self.name = name
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
        self.seconds = []

    def ask(self):
        begin = time.perf_counter()
        self.connection.request("GET", "/productpage?u=test", headers={"host": "bookinfo.example"})
        answer = self.connection.getresponse()
        answer.read()
        self.seconds.append(time.perf_counter() - begin)
        if answer.status != 200:
            sys.exit(f"{self.name}: {answer.status}")


def main(certificate, key, authority, requests, *listeners):
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    made = [Listener(name, int(port), context) for name, port in (pair.rsplit("=", 1) for pair in listeners)]
    for listener in made:
        for _ in range(BLOCK):
            listener.ask()
        listener.seconds.clear()
    for _ in range(int(requests) // BLOCK):
        for listener in made:
            for _ in range(BLOCK):
                listener.ask()
    print(f"  {'milliseconds':<26} {'min':>7} {'average':>8} {'max':>8}")
    for listener in made:
        low, high = min(listener.seconds), max(listener.seconds)
        average = sum(listener.seconds) / len(listener.seconds)
        print(f"  {listener.name:<26} {low * 1000:7.3f} {average * 1000:8.3f} {high * 1000:8.3f}")


main(*sys.argv[1:])
