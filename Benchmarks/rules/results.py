"""Reads what bench_rules and count.sh print."""

SHAPES = ["services", "paths", "principals", "headers", "addresses", "mixed"]
KINDS = ["first", "last", "none", "random"]


class Results:
    def __init__(self, path):
        self.times = {}  # (shape, rules, kind, engine) -> (min, median, allocations)
        self.counts = {}  # the same -> (instructions, D1 misses, LL misses)
        self.loads = {}  # (shape, rules) -> {name: number}
        self.threads = []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                words = line.split()
                verb, shape, rules = words[0], words[1], int(words[2])
                if verb == "time":
                    self.times[shape, rules, words[3], words[4]] = (float(words[6]), float(words[8]), float(words[10]))
                elif verb == "count":
                    self.counts[shape, rules, words[3], words[4]] = (int(words[5]), float(words[6]), float(words[7]))
                elif verb == "load":
                    self.loads[shape, rules] = dict(zip(words[3::2], map(float, words[4::2])))
                elif verb == "threads":
                    self.threads.append(line.split(None, 1)[1].strip())

    def sizes(self):
        return sorted({key[1] for key in self.times})
