"""Tables of a run's lines: tables.py RESULTS"""
import sys

times, counts, hits, memory, rest = {}, {}, [], {}, []
for line in open(sys.argv[1]):
    words = line.split()
    if words[0] == "time":
        times[words[1]] = dict(zip(words[2::2], map(float, words[3::2])))
    elif words[0] == "count":
        counts[words[1]] = int(words[2])
    elif words[0] == "hits":
        hits.append((int(words[1]), float(words[3]), int(words[5])))
    elif words[0] == "memory":
        memory.setdefault(words[1], []).append((int(words[2]), int(words[4]), int(words[6])))

if times:
    local, when = times["local"], times["local-when"]
    print(f"{'a decision, ns':<20}{'median':>9}{'min':>9}{'p90':>9}{'over local':>14}{'over local-when':>17}{'target':>8}{'allocations':>13}{'instructions':>14}")
    for name, time in times.items():
        alone = name.startswith("lmdb")  # a look-up, and no decision
        target = {"table": "100", "store-100000": "1000", "store-1000000": "1500"}.get(name, "")
        over = ["" if name.startswith("local") or alone else f"{time['median'] - base['median']:.0f} ({time['min'] - base['min']:.0f})" for base in (local, when)]
        allocations = "" if name.startswith("asked") or alone else f"{time['allocations']:.2f}"
        print(f"{name:<20}{time['median']:>9.0f}{time['min']:>9.0f}{time['p90']:>9.0f}{over[0]:>14}{over[1]:>17}{target:>8}{allocations:>13}{counts.get(name, ''):>14}")
    print("over: of the medians, and in brackets of the minima")
    print()
    for asked in (name for name in times if name.startswith("asked")):
        for kept in (name for name in times if name.startswith(("table", "store"))):
            print(f"{asked} takes {times[asked]['median'] / times[kept]['median']:.0f} times as long as {kept}")
    print()
if hits:
    half = len(hits) // 2
    print("hit ratio, windows of", hits[0][0], "requests; found in the store since the engine's start")
    print("  before the restart  " + ", ".join(f"{ratio:.3f}" for _, ratio, _ in hits[:half]) + f"; {hits[half - 1][2]}")
    print("  after it            " + ", ".join(f"{ratio:.3f}" for _, ratio, _ in hits[half:]) + f"; {hits[-1][2]}")
    print()
for what, rows in memory.items():
    print(f"resident, {what}: requests, MB of the process's own, MB of mapped files (the store's among them)")
    for requests, anonymous, mapped in rows:
        print(f"  {requests:>9} {anonymous / 1024:>8.1f} {mapped / 1024:>8.1f}")
