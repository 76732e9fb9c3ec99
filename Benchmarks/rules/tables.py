"""Tables of a run: tables.py RESULTS"""

import math
import sys

from results import KINDS, SHAPES, Results


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def main():
    results = Results(sys.argv[1])
    print()
    print("A decision (begin, check, end) through the C header, the host's callbacks included. ns: minimum, median.")
    print("linear: the same rules walked in C. twin: the same algorithm in C. D1, LL: simulated cache misses.")
    for shape in SHAPES:
        print()
        head = ["ns", "median", "twin", "linear", "instructions", "twin", "ratio", "D1", "LL", "allocations"]
        print(f"  {shape:<12} {'rules':>8} " + " ".join(f"{word:>9}" if word != "instructions" else f"{word:>12}" for word in head))
        for rules in results.sizes():
            for kind in KINDS:
                key = (shape, rules, kind)
                ours = results.times.get(key + ("purser",))
                if ours is None:
                    continue
                twin, linear = (results.times.get(key + (engine,)) for engine in ("twin", "linear"))
                counts, twins = (results.counts.get(key + (engine,)) for engine in ("purser", "twin"))
                print(
                    f"  {kind:<12} {rules:>8} {number(ours[0]):>9} {number(ours[1]):>9} {number(twin[0]):>9}"
                    f" {number(linear[0]):>9} {number(counts and counts[0]):>12} {number(twins and twins[0]):>9}"
                    f" {number(counts and twins and counts[0] / twins[0], 2):>9} {number(counts and counts[1], 1):>9}"
                    f" {number(counts and counts[2], 1):>9} {ours[2]:>9.2f}"
                )
    ratios = [
        value[0] / results.counts[key[:3] + ("twin",)][0] for key, value in results.counts.items() if key[3] == "purser"
    ]
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"\n  instructions for one of the twin's: {mean:.2f} on average, {min(ratios):.2f} to {max(ratios):.2f}")
    print(f"\n  {'load':<12} {'rules':>8} {'seconds':>9} {'CPU':>9} {'text/rule':>10} {'plan/rule':>10} {'worker/rule':>11} {'peak MB':>9}")
    for (shape, rules), load in sorted(results.loads.items(), key=lambda item: (SHAPES.index(item[0][0]), item[0][1])):
        per = [load[name] / rules for name in ("text", "plan", "worker")]
        print(
            f"  {shape:<12} {rules:>8} {load['seconds']:>9.2f} {load['cpu']:>9.2f} {per[0]:>10.0f} {per[1]:>10.0f} {max(per[2], 0):>11.0f}"
            f" {load['resident'] / 1e6:>9.0f}"
        )
    if results.threads:
        print("\n  Two threads: million decisions a second, times one thread, and the same of multiplying, which shares nothing; eight threads, answers compared")
        for line in results.threads:
            print(f"  {line}")


main()
