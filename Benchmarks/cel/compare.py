"""Nanoseconds of an evaluation here, in cel-cpp and in the Rust crate, in interleaved rounds.

usage: compare.py BENCH-CEL CASES COUNTS

Ours is a loop in a process of its own: empty the slots and the arena, evaluate, the host's answers included. The two
others are called through their Python packages, compiled once and with their variables bound before; a call's own cost
is that of the expression `true`, measured in the same rounds and subtracted. cel-cpp gets what ours gets: each path a
variable of its type. The Rust crate has no dotted variables and gets the nested maps.
"""

import datetime
import json
import statistics
import subprocess
import sys
import time

ROUNDS = 21
ROUND_NS = 4_000_000
MAPS = {"request.headers", "request.auth.claims"}


def with_times(value):
    if isinstance(value, dict):
        if set(value) == {"timestamp"}:
            return datetime.datetime.fromisoformat(value["timestamp"].replace("Z", "+00:00"))
        return {key: with_times(item) for key, item in value.items()}
    return [with_times(item) for item in value] if isinstance(value, list) else value


def flat(attributes, prefix=""):
    found = {}
    for key, value in attributes.items():
        name = prefix + key
        if isinstance(value, dict) and name not in MAPS:
            found.update(flat(value, name + "."))
        else:
            found[name] = value
    return found


class Ours:
    name = "purser"

    def __init__(self, program, cases):
        self.process = subprocess.Popen(
            [program, cases, "time"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def total(self, number, iterations):
        self.process.stdin.write(f"{number} {iterations}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


class Called:
    """An engine that is called from Python."""

    def __init__(self, name, calls):
        self.name = name
        self.calls = calls

    def total(self, number, iterations):
        call = self.calls[number]
        start = time.perf_counter_ns()
        for _ in range(iterations):
            call()
        return time.perf_counter_ns() - start


def cel_cpp(attributes, expressions):
    from cel_expr_python import cel

    def type_of(value):
        if isinstance(value, str):
            return cel.Type.STRING
        if isinstance(value, int):
            return cel.Type.INT
        if isinstance(value, datetime.datetime):
            return cel.Type.TIMESTAMP
        return cel.Type.Map(cel.Type.STRING, cel.Type.DYN)

    variables = flat(attributes)
    environment = cel.NewEnv(variables={name: type_of(value) for name, value in variables.items()})
    activation = environment.Activation(variables)
    programs = [environment.compile(text) for text in expressions]
    for text, program in zip(expressions, programs):
        assert program.eval(activation).value() is True, text
    return Called("cel-cpp", [lambda program=program: program.eval(activation) for program in programs])


def rust(attributes, expressions):
    import cel

    context = cel.Context(variables=attributes)
    programs = [cel.compile(text) for text in expressions]
    for text, program in zip(expressions, programs):
        assert program.execute(context) is True, text
    return Called("Rust crate", [lambda program=program: program.execute(context) for program in programs])


def main(program, cases, counts):
    with open(cases) as file:
        document = json.load(file)
    attributes = with_times(document["attributes"])
    names = [item["name"] for item in document["expressions"]]
    expressions = [item["expr"] for item in document["expressions"]]
    trivial = expressions.index("true")

    engines = [Ours(program, cases)]
    for make in (cel_cpp, rust):
        try:
            engines.append(make(attributes, expressions))
        except Exception as problem:  # pylint: disable=broad-except
            print(f"{make.__name__} is not measured: {problem}")

    samples = {}
    for number in range(len(expressions)):
        iterations = {}
        for engine in engines:
            once = max(engine.total(number, 100) / 100, 1)
            iterations[engine.name] = max(10, int(ROUND_NS / once))
        for _ in range(ROUNDS):
            for engine in engines:
                count = iterations[engine.name]
                samples.setdefault((engine.name, number), []).append(engine.total(number, count) / count)

    counted = {}
    with open(counts) as file:
        for line in file:
            words = line.split()
            if len(words) == 3 and words[1].isdigit():
                counted[words[0]] = (words[1], words[2])

    overhead = {}
    for engine in engines[1:]:
        overhead[engine.name] = min(samples[engine.name, trivial])
        print(f"{engine.name}: a call through Python costs {overhead[engine.name]:.0f} ns (`true`), subtracted below")
    print(f"nanoseconds an evaluation, least / median of {ROUNDS} interleaved rounds\n")
    width = max(len(name) for name in names) + 2
    print("expression".ljust(width) + "instructions".rjust(13) + "allocations".rjust(13)
          + "".join(engine.name.rjust(19) for engine in engines) + "".join(
              f"/ {engine.name}".rjust(14) for engine in engines[1:]))
    for number, name in enumerate(names):
        if number == trivial:
            continue
        instructions, allocations = counted.get(name.split()[0], ("?", "?"))
        row = name.ljust(width) + instructions.rjust(13) + allocations.rjust(13)
        least = []
        for engine in engines:
            cost = overhead.get(engine.name, 0)
            times = samples[engine.name, number]
            least.append(max(min(times) - cost, 0))
            row += f"{least[-1]:.0f} / {max(statistics.median(times) - cost, 0):.0f}".rjust(19)
        for rival in least[1:]:
            row += (f"{100 * least[0] / rival:.1f} %" if rival else "?").rjust(14)
        print(row)


main(*sys.argv[1:])
