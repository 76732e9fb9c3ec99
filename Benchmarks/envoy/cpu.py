"""CPU time of Envoy's worker thread, a request, with one filter and another.

All filters are in one Envoy with one worker, each behind a listener of its own, and get the same requests: allowed
ones of bookinfo's ingress gateway, which Envoy answers itself (an upstream would add its own noise). One round is one slice of load for each filter, in turns; what a filter adds is its
cost minus that of no filter in the same round. Told are the median over the rounds and the quartiles.
"""

import argparse
import pathlib
import statistics
import subprocess

import proxy

LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"
RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
STRUCT = "type.googleapis.com/google.protobuf.Struct"

HEAD = "\r\n".join([
    "GET /productpage?u=test HTTP/1.1", "host: bookinfo.example",
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "accept: text/html",
    "accept-language: en-US,en;q=0.5", "cookie: session=eyJ1c2VyIjoidGVzdCJ9",
    "x-principal: spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
    "x-workload: istio-ingressgateway",
])

LUA_CODE = """
function envoy_on_request(handle)
  local headers = handle:headers()
  if headers:get("x-principal") ~= "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"
     or headers:get(":method") ~= "GET" or string.sub(headers:get(":path"), 1, 12) ~= "/productpage" then
    handle:respond({[":status"] = "403"}, "no")
  end
end
"""


def module(library, name, configuration):
    made = {
        "@type": proxy.MODULES, "dynamic_module_config": {"module": {"local": {"filename": str(library)}}},
        "filter_name": name,
    }
    if configuration is not None:
        made["filter_config"] = {"@type": STRUCT, "value": configuration}
    return {"name": name, "typed_config": made}


def rbac(count):
    """DENY policies of which none is about the request: each is looked at."""

    def policy(number):
        path = {"url_path": {"path": {"prefix": f"/service-{number}/"}}}
        name = {"exact": f"spiffe://cluster.local/ns/a/sa/{number}"}
        principal = {"header": {"name": "x-principal", "string_match": name}}
        return {"permissions": [path], "principals": [principal]}

    rules = {"action": "DENY", "policies": {f"policy-{number}": policy(number) for number in range(count)}}
    return {"name": "rbac", "typed_config": {"@type": RBAC, "rules": rules}}


def variants(library, work, only=None):
    constants = {
        "destination.service.host": "productpage.default.svc.cluster.local",
        "destination.workload.name": "productpage-v1", "destination.labels": {"app": "productpage", "version": "v1"},
    }

    def purser(folder):
        configuration = {"policies": [str(work / folder)], "constants": constants, "clientAddress": True}
        return [module(library / "libpurser_envoy.so", folder, configuration)]

    yield "no filter", []
    if only is not None:
        yield only, purser(only)
        return
    yield "a module that does nothing", [module(work / "libnothing.so", "nothing", None)]
    yield "Purser, bookinfo's policies", purser("bookinfo")
    yield "Purser, and two metrics", purser("two-metrics")
    for count in (1, 10, 100, 1000):
        yield f"RBAC, {count} {'policy' if count == 1 else 'policies'}", [rbac(count)]
    yield "Lua, three comparisons", [
        {"name": "lua", "typed_config": {"@type": LUA, "default_source_code": {"inline_string": LUA_CODE}}}
    ]


class Worker:
    """The clock of Envoy's worker thread."""

    def __init__(self, process):
        tasks = pathlib.Path(f"/proc/{process}/task").iterdir()
        (self.task,) = [task for task in tasks if (task / "comm").read_text().startswith("wrk:worker")]

    def nanoseconds(self):
        return int((self.task / "schedstat").read_text().split()[0])


def slice_of_load(work, port, milliseconds, worker):
    """Microseconds of the worker's CPU time a request."""
    begin = worker.nanoseconds()
    done = subprocess.run(
        [work / "load", str(port), "16", str(milliseconds), "200", HEAD], stdout=subprocess.PIPE, check=True, text=True)
    return (worker.nanoseconds() - begin) / int(done.stdout) / 1000


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return middle, low, high


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("envoy")
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--milliseconds", type=int, default=300)
    parser.add_argument("--only", help="the folder of policies of the one filter to load")
    options = parser.parse_args()
    work = options.work

    names, listeners = [], []
    for name, filters in variants(options.library.resolve(), work, options.only):
        answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
        made = proxy.listener(filters, use_remote_address=True, routes=[answer])
        made["name"] = name
        names.append(name)
        listeners.append(made)
    boot = proxy.bootstrap(1, listeners)
    with proxy.Envoy(options.envoy, options.library, work, boot) as envoy:
        worker = Worker(envoy.process.pid)
        ports = {name: envoy.port(name) for name in names}
        for name in names:
            slice_of_load(work, ports[name], options.milliseconds, worker)
        costs = {name: [] for name in names}
        for number in range(options.rounds):
            # Every other round backwards, so that no filter always follows the same one.
            for name in names if number % 2 == 0 else reversed(names):
                costs[name].append(slice_of_load(work, ports[name], options.milliseconds, worker))

    none = names[0]
    print(f"CPU of Envoy's worker, microseconds a request: {options.rounds} rounds of {options.milliseconds} ms each")
    print(f"  {'':<28} {'a request':>10} {'added':>8}   {'quartiles':>15}")
    for name in names:
        line = f"  {name:<28} {statistics.median(costs[name]):10.2f}"
        if name != none:
            middle, low, high = quartiles([cost - base for cost, base in zip(costs[name], costs[none])])
            line += f" {middle:8.2f}   {low:7.2f} {high:7.2f}"
        print(line)


if __name__ == "__main__":
    main()
