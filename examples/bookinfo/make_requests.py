#!/usr/bin/env python3
"""Writes the recorded requests of the bookinfo example: requests.jsonl, and the same as a table, requests.tsv.

A hundred views of the product page, one a second, with what else a public site sees: people who log in, scripts,
crawlers, scanners, a misconfigured workload. Each line is one hop as the proxy at its receiving end saw it. The
response is what the application would have answered; whether the hop is allowed at all is for the policies to say,
so a hop that a policy denies has no hops after it.

Everything follows from a fixed seed: the same lines every time. With --check nothing is written, and the exit status
tells whether the files are what this script makes.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VIEWS = 100
START = 1767348000  # 2026-01-02T10:00:00Z

INGRESS = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"
PRODUCTPAGE = "spiffe://cluster.local/ns/default/sa/bookinfo-productpage"
DETAILS = "spiffe://cluster.local/ns/default/sa/bookinfo-details"
REVIEWS = "spiffe://cluster.local/ns/default/sa/bookinfo-reviews"
SLEEP = "spiffe://cluster.local/ns/default/sa/sleep"

BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
]
CRAWLER = "Mozilla/5.0 (compatible; Examplebot/2.1; +https://bot.example/)"
NEW_CURL = "curl/8.11.1"
OLD_CURL = "curl/7.19.7"

# Workload: service, address, service account, version.
WORKLOADS = {
    "productpage-v1": ("productpage", "10.28.1.14", "bookinfo-productpage", "v1"),
    "details-v1": ("details", "10.28.1.21", "bookinfo-details", "v1"),
    "reviews-v1": ("reviews", "10.28.2.31", "bookinfo-reviews", "v1"),
    "reviews-v2": ("reviews", "10.28.2.32", "bookinfo-reviews", "v2"),
    "reviews-v3": ("reviews", "10.28.2.33", "bookinfo-reviews", "v3"),
    "ratings-v1": ("ratings", "10.28.3.41", "bookinfo-ratings", "v1"),
}
# Peer: workload, namespace, address, principal.
PEERS = {
    "ingress": ("istio-ingressgateway", "istio-system", "10.28.0.5", INGRESS),
    "productpage-v1": ("productpage-v1", "default", "10.28.1.14", PRODUCTPAGE),
    "details-v1": ("details-v1", "default", "10.28.1.21", DETAILS),
    "reviews-v1": ("reviews-v1", "default", "10.28.2.31", REVIEWS),
    "reviews-v2": ("reviews-v2", "default", "10.28.2.32", REVIEWS),
    "reviews-v3": ("reviews-v3", "default", "10.28.2.33", REVIEWS),
    "sleep": ("sleep", "default", "10.28.4.50", SLEEP),
    "legacy": (None, None, "10.28.9.77", None),
}


class Dice:
    """A small generator of its own, so that the lines do not depend on the Python version."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound

    def pick(self, items):
        return items[self.below(len(items))]

    def hexadecimal(self, digits):
        return "".join("0123456789abcdef"[self.below(16)] for _ in range(digits))


class Recording:
    def __init__(self):
        self.dice = Dice(20260102)
        self.hops = []
        self.connections = {}

    def hop(self, at_ms, peer, workload, method, path, agent, *, code=200, size=None, took_us=None, client=None,
            trace=None, user=None, tls=True, tls_version="TLSv1.3", body=0, headers=None):
        dice = self.dice
        source, namespace, address, principal = PEERS[peer]
        service, own_address, account, version = WORKLOADS[workload]
        connection = self.connections.setdefault((peer, workload, tls), len(self.connections) + 1)
        seconds, millis = divmod(at_ms, 1000)
        trace = trace or self.trace()
        host = "bookinfo.example" if peer == "ingress" else f"{service}:9080"
        sent = {"user-agent": agent, "x-request-id": trace["id"], "x-b3-traceid": trace["b3"],
                "x-b3-spanid": dice.hexadecimal(16), "accept": "*/*" if agent.startswith("curl") else "text/html"}
        if client:
            sent["x-forwarded-for"] = client
        if user:
            sent["end-user"] = user
            if service == "productpage":
                sent["cookie"] = "session=" + dice.hexadecimal(24)
        if body:
            sent["content-type"] = "application/x-www-form-urlencoded"
        sent.update(headers or {})
        headers_bytes = sum(len(name) + len(value) + 4 for name, value in sent.items())
        size = dice.below(900) + 300 if size is None else size
        took_us = dice.below(6000) + 1500 if took_us is None else took_us
        hop = {
            "request.time": time_text(seconds, millis),
            "request.method": method,
            "request.path": path,
            "request.host": host.split(":")[0],
            "request.scheme": "http",
            "request.protocol": "HTTP/1.1",
            "request.id": trace["id"],
            "request.headers": sent,
            "request.headers_bytes": headers_bytes,
            "request.useragent": agent,
            "client.address": client,
            "source.address": address,
            "source.port": 32768 + dice.below(28000),
            "source.principal": principal if tls else None,
            "source.namespace": namespace if tls else None,
            "source.workload.name": source if tls else None,
            "destination.address": own_address,
            "destination.port": 9080,
            "destination.principal": f"spiffe://cluster.local/ns/default/sa/{account}",
            "destination.namespace": "default",
            "destination.workload.name": workload,
            "destination.labels": {"app": service, "version": version},
            "destination.service.name": service,
            "destination.service.namespace": "default",
            "destination.service.host": f"{service}.default.svc.cluster.local",
            "connection.id": connection,
            "connection.mtls": tls,
            "connection.tls_version": tls_version if tls else None,
            "context.protocol": "http",
            "context.reporter.kind": "inbound",
            "request.size": body,
            "request.total_size": body + headers_bytes + len(path) + len(method) + 12,
            "request.duration": f"{took_us // 1000}.{took_us % 1000:03d}ms",
            "response.code": code,
            "response.size": size,
            "response.total_size": size + 180,
            "response.flags": 0,
        }
        self.hops.append((at_ms, len(self.hops), {name: value for name, value in hop.items() if value is not None}))

    def trace(self):
        digits = self.dice.hexadecimal(32)
        uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
        return {"id": uuid, "b3": self.dice.hexadecimal(32)}

    def view(self, index):
        """One view of the product page: ingress, productpage, details, reviews and, from v2 on, ratings."""
        dice = self.dice
        at_ms = index * 1000 + dice.below(200)
        agent = dice.pick(BROWSERS)
        client = f"198.51.100.{dice.below(250) + 1}" if index % 5 else f"2001:db8:1:{dice.hexadecimal(4)}::{dice.below(99) + 1}"
        user = "jason" if index % 7 == 3 else None
        trace = self.trace()
        query = dice.pick(["", "", "?u=normal", "?u=test", "?ref=mail&lang=de"])
        seen = dict(client=client, trace=trace, user=user)

        if index in (9, 23, 41, 58, 72, 90):
            # A script from the last decade.
            self.hop(at_ms, "ingress", "productpage-v1", "GET", "/productpage", OLD_CURL, client=client, trace=trace)
            return
        if index in (12, 13, 14, 33, 34, 35, 66, 67):
            # A block of addresses that has been a nuisance before.
            bad = f"203.0.113.{dice.below(250) + 1}" if index != 67 else "2001:db8:bad::17"
            self.hop(at_ms, "ingress", "productpage-v1", "GET", "/productpage" + query, agent, client=bad, trace=trace)
            return

        crawler = index in (18, 37, 55, 81)
        agent = CRAWLER if crawler else NEW_CURL if index % 20 == 6 else agent
        path = "/productpage" + query
        if index % 25 == 8:
            path = "/static/..//productpage?u=normal"  # a sloppy link; it resolves to /productpage
        total_us = 14000 + dice.below(22000)
        self.hop(at_ms, "ingress", "productpage-v1", "GET", path, agent, size=4183 + dice.below(1500), took_us=total_us, **seen)
        self.hop(at_ms + 3, "productpage-v1", "details-v1", "GET", "/details/0", agent, size=178, **inner(seen))
        version = ("v1", "v2", "v3")[index % 3]
        if crawler:
            version = "v3" if index in (18, 55, 81) else "v2"
        reviews = f"reviews-{version}"
        failed = version == "v1" and index % 24 == 0
        self.hop(at_ms + 6, "productpage-v1", reviews, "GET", "/reviews/0", agent, code=503 if failed else 200,
                 size=95 if failed else 295 + (84 if version != "v1" else 0), **inner(seen))
        if version != "v1" and not (crawler and version == "v3"):
            self.hop(at_ms + 8, reviews, "ratings-v1", "GET", "/ratings/0", agent, size=48, took_us=900 + dice.below(2500),
                     **inner(seen))

        if index % 4 != 2 and not crawler:
            # Browsers without the page's style sheet in their cache ask for it next.
            self.hop(at_ms + 60, "ingress", "productpage-v1", "GET", "/static/bootstrap/css/bootstrap.min.css", agent,
                     size=121457, took_us=1200 + dice.below(900), client=client, user=user)

    def rest(self):
        """What happens beside the page views."""
        dice = self.dice
        # People log in and out.
        for index in (3, 10, 24, 31, 45, 59, 73, 87):
            seen = dict(client=f"198.51.100.{dice.below(250) + 1}", user="jason")
            agent = dice.pick(BROWSERS)
            self.hop(index * 1000 + 420, "ingress", "productpage-v1", "POST", "/login", agent, code=302, size=0, body=29, **seen)
            if index % 2:
                self.hop(index * 1000 + 900, "ingress", "productpage-v1", "GET", "/logout", agent, code=302, size=0, **seen)
        # The API and static files; some links are untidy, and one book does not exist.
        for index, path in enumerate([
            "/api/v1/products", "/api/v1/products/0", "/api/v1/products/0/reviews", "/api/v1/products/0/ratings",
            "/api/v1/../v1/products", "/api//v1/products/0", "/api/v1/products/%30", "/api/v1/products/7?verbose=1",
            "/static/bootstrap/css/bootstrap.min.css", "/static/jquery.min.js", "/static/img/izzy.png", "/health",
        ]):
            self.hop(5000 + index * 7700, "ingress", "productpage-v1", "GET", path, dice.pick([NEW_CURL] + BROWSERS),
                     code=404 if "/7" in path else 200, client=f"198.51.100.{dice.below(250) + 1}")
        # The office looks at the admin page, as does somebody who should not, by a way around.
        self.hop(21300, "ingress", "productpage-v1", "GET", "/admin/stats", BROWSERS[0], client="192.0.2.17")
        self.hop(61300, "ingress", "productpage-v1", "GET", "/admin/stats", BROWSERS[1], client="2001:db8:0:f00d::9")
        for at_ms, path in [(22100, "/admin/stats"), (22400, "/static/%2e%2e/admin/stats"), (22800, "/api/v1/..//..\\admin")]:
            self.hop(at_ms, "ingress", "productpage-v1", "GET", path, NEW_CURL, code=404, client="198.51.100.66")
        # A scanner tries what scanners try; its last path is no path at all.
        for at_ms, path in [(47100, "/.env"), (47200, "/wp-login.php"), (47300, "/productpage%2")]:
            self.hop(at_ms, "ingress", "productpage-v1", "GET", path, "zgrab/0.x", code=404, client="198.51.100.99")
        # A host outside the mesh: no certificate, so no principal.
        for index, (workload, path) in enumerate([
            ("details-v1", "/details/0"), ("ratings-v1", "/ratings/0"), ("reviews-v1", "/reviews/0"),
            ("ratings-v1", "/ratings/0"), ("details-v1", "/details/0"), ("productpage-v1", "/productpage"),
        ]):
            self.hop(15500 + index * 11000, "legacy", workload, "GET", path, "Python-urllib/3.9", tls=False)
        # A debugging pod, and a service that asks what is not its own.
        for index, (peer, workload, path) in enumerate([
            ("sleep", "ratings-v1", "/ratings/0"), ("sleep", "reviews-v2", "/reviews/0"), ("sleep", "details-v1", "/details/0"),
            ("details-v1", "ratings-v1", "/ratings/0"), ("details-v1", "ratings-v1", "/ratings/0"),
        ]):
            self.hop(29600 + index * 9000, peer, workload, "GET", path, NEW_CURL)
        # Ratings are read-only for now.
        for at_ms, method, path in [(52600, "POST", "/ratings/0"), (78600, "PUT", "/ratings/0"), (93600, "DELETE", "/ratings/0")]:
            self.hop(at_ms, "reviews-v3", "ratings-v1", method, path, BROWSERS[2], body=31, user="jason")


def inner(seen):
    """What services hand on: trace and user, not the client's address."""
    return dict(trace=seen["trace"], user=seen["user"])


def time_text(seconds, millis):
    seconds += START % 86400
    return f"2026-01-02T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{millis:03d}Z"


def record():
    recording = Recording()
    for index in range(VIEWS):
        recording.view(index)
    recording.rest()
    return [hop for _, _, hop in sorted(recording.hops, key=lambda item: item[:2])]


def json_lines(hops):
    return "".join(json.dumps(hop, ensure_ascii=False) + "\n" for hop in hops)


# How C reads the values; all others are strings.
TYPES = {
    "request.time": "timestamp", "request.duration": "duration", "connection.mtls": "bool", "connection.id": "uint",
    **{name: "int" for name in (
        "request.headers_bytes", "source.port", "destination.port", "request.size", "request.total_size", "response.code",
        "response.size", "response.total_size", "response.flags")},
}


def table(hops):
    """One column an attribute or map entry, `name:type` at its head; an empty field is an absent attribute.

    Timestamps and durations are nanoseconds, so that a C program needs no parser for them.
    """
    columns = {}
    rows = []
    for hop in hops:
        row = {}
        for name, value in hop.items():
            kind = TYPES.get(name, "string")
            if isinstance(value, dict):
                for key, entry in value.items():
                    row[f"{name}[{key}]:string"] = entry
            elif kind == "timestamp":
                row[f"{name}:{kind}"] = str(timestamp_nanoseconds(value))
            elif kind == "duration":
                whole, fraction = value.removesuffix("ms").split(".")
                row[f"{name}:{kind}"] = str((int(whole) * 1000 + int(fraction)) * 1000)
            elif kind == "bool":
                row[f"{name}:{kind}"] = "1" if value else "0"
            else:
                row[f"{name}:{kind}"] = str(value)
        columns.update(dict.fromkeys(row))
        rows.append(row)
    names = sorted(columns)
    lines = ["\t".join(names)] + ["\t".join(row.get(name, "") for name in names) for row in rows]
    return "".join(line + "\n" for line in lines)


def timestamp_nanoseconds(text):
    clock, millis = text[11:-1].split(".")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return ((START - START % 86400) + hours * 3600 + minutes * 60 + seconds) * 10**9 + int(millis) * 10**6


def main():
    hops = record()
    same = True
    for name, text in [("requests.jsonl", json_lines(hops)), ("requests.tsv", table(hops))]:
        path = os.path.join(HERE, name)
        if sys.argv[1:] == ["--check"]:
            with open(path, encoding="utf-8", newline="") as file:
                if file.read() != text:
                    print(f"{name} is not what this script makes")
                    same = False
        else:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            print(f"{name}: {len(hops)} hops")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
