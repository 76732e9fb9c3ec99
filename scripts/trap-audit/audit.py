#!/usr/bin/env python3
"""What the machine code of libpurser.so can do to its host between begin and end of a request.

    audit.py [--library FILE] [--lists FOLDER] [--symbols FILE] [--report FILE] [--everything-is-own]

Walks the calls from the functions that roots.txt has as `in` and fails when

  - one reaches a trap that allowed.txt does not have, or a line there is stale; our own code may have none at all
  - one calls code of others that calls through a pointer and indirect.txt does not say where to, or a line there is
    stale
  - one calls another library's function that outside.txt does not know, or a line there is stale
  - purser_check or purser_report can count references, allocate, lock or ask the system outside the functions of
    slow.txt, or a line there is stale
  - doors.txt names a function that is not reached
  - roots.txt and Tests/ABI/symbols.txt differ

The lists are lines of cells with a tab between; the last cell is the reason. The report has every path.
"""

import argparse
import glob
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from image import Image
from machine import Code
from names import Names, stable
from walk import Indirect, Walk, taken_addresses

# What ends the process when it is called; not entered. The stack protector's is in outside.txt.
FATAL = re.compile(
    r"^(Swift\.(_assertionFailure|_fatalErrorMessage|fatalError|_unexpectedError|_diagnoseUnexpectedError\w*"
    r"|_diagnoseUnexpectedNilOptional|_preconditionFailure|_undefined|_unavailableInEmbeddedError)"
    r"|swift_(unexpectedError|errorInMain\w*|deletedMethodError|deletedAsyncMethodError|dynamicCastFailure|abort\w*"
    r"|reportError|reportFatalErrorsToDebugger|willThrowFatal|unimplementedError|_unexpectedError)"
    r"|swift::(fatalError\w*|crash|swift_abort\w*|swift_dynamicCastFailure)|swift::swift_abort\w*"
    r"|_?abort|_?_?[Ee]xit|quick_exit|raise|kill|tgkill|pthread_kill|pthread_exit|longjmp|siglongjmp|_longjmp"
    r"|__assert\w*|__chk_fail|__fortify_fail|std::terminate|__cxa_(throw|rethrow|pure_virtual|bad_cast|call_\w+)"
    r"|_Unwind_(Resume|RaiseException)|__clang_call_terminate|__stack_smash_handler)$"
)
FAILURES_SHOWN = 60
KINDS = ("reference counting", "allocation", "lock", "system call")
KINDS_SAID = ("count references", "allocate or free", "lock", "ask the system")
RUNTIME_KINDS = (
    ("reference counting", re.compile(
        r"^_?swift_(nonatomic_)?(bridgeObject|unknownObject|unowned|weak)?(Try)?([Rr]etain|[Rr]elease|[Ww]eak)\w*$"
        r"|^swift_(isUniquelyReferenced\w*|isEscapingClosure\w*|setDeallocating|weak\w+|unowned\w+)$")),
    ("allocation", re.compile(
        r"^_?swift_(alloc\w+|slow(Alloc|Dealloc)\w*|dealloc\w+|makeBoxUnique|initStaticObject|once|get\w*Metadata\w*"
        r"|get\w*WitnessTable\w*)$|^__swift_instantiate\w+$|^operator (new|delete)")),
)


def lines_of(path, cells):
    """The lines of a list, each a tuple of as many cells."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            line = tuple(cell.strip() for cell in line.split("\t") if cell.strip())
            if len(line) != cells:
                raise SystemExit(f"{path}:{number}: {cells} cells with tabs between, the last being the reason")
            found.append(line)
    return found


class Audit:
    def __init__(self, options):
        self.failures, self.report = [], []
        self.lists = Path(options.lists)
        self.image = Image(options.library)
        self.names = Names(self.image, options.everything_is_own)
        self.code = Code(self.image, "objdump")
        self.taken = taken_addresses(self.code, self.names)
        self.doors = lines_of(self.lists / "doors.txt", 2)
        self.outside = {name: kind for name, kind, _ in lines_of(self.lists / "outside.txt", 3)}
        self.indirect_lines = lines_of(self.lists / "indirect.txt", 3)
        self.roots = self._roots(options.symbols)
        self.fatal = {at for at in self.image.names if self._is_fatal(at)}
        self.lines = {}

    def fail(self, text):
        self.failures.append(text)

    def _is_fatal(self, at):
        return any(FATAL.match(stable(name)) for name in self.names.all_full(at))

    def _roots(self, symbols):
        listed = lines_of(self.lists / "roots.txt", 3)
        expected = set(Path(symbols).read_text().split())
        for name, where, _ in listed:
            if where not in ("in", "out"):
                self.fail(f"roots.txt: {name} is neither `in` nor `out`")
        for name in sorted(expected - {name for name, _, _ in listed}):
            self.fail(f"roots.txt does not say whether hosts call {name} for each request: `in` or `out`, and why")
        for name in sorted({name for name, _, _ in listed} - expected):
            self.fail(f"roots.txt has {name}, which is no export")
        roots = [name for name, where, _ in listed if where == "in"]
        for name in roots:
            if name not in self.image.exports:
                self.fail(f"{self.image.path} does not export {name}")
        return {name: self.image.exports[name] for name in roots if name in self.image.exports}

    def walk(self, roots, also_closed=()):
        closed = {name for name, _ in self.doors} | set(also_closed)
        indirect = Indirect(self.indirect_lines, self.names, self.taken)
        walk = Walk(self.code, self.names, indirect, closed, self.fatal)
        return walk.run(roots)

    # MARK: Traps

    def traps(self, walk):
        """Function -> [(address, what, addresses that jump there)]."""
        found = {}
        for at in walk.entered():
            function, here = self.code.function(at), []
            for address, mnemonic, called in function.traps:
                # The compiler puts one after a call that never returns; that call is counted.
                if not (called in self.fatal or isinstance(called, str) and FATAL.match(called)):
                    here.append((address, mnemonic, function.jumps.get(address, [])))
            for address, target in function.calls:
                if target in self.fatal:
                    here.append((address, f"call of {self.names.stable(target)}", []))
                elif isinstance(target, str) and FATAL.match(target):
                    here.append((address, f"call of {target}", []))
            if here:
                found[at] = here
        return found

    def check_traps(self, walk):
        traps = self.traps(walk)
        self._find_lines({a for here in traps.values() for t, _, jumps in here for a in [t, *jumps]})
        counts, own = Counter(), set()
        for at, here in traps.items():
            counts[self.names.stable(at)] += len(here)
            if self.names.is_own(at) and not self.names.is_specialized(at):
                own.add(self.names.stable(at))
        allowed = {name: int(count) for count, name, _ in lines_of(self.lists / "allowed.txt", 3)}
        for at, here in sorted(traps.items(), key=lambda item: self.names.stable(item[0])):
            name = self.names.stable(at)
            known = allowed.get(name) == counts[name] and name not in own
            text = [f"{name} ({self.names.full(at)})"]
            for address, what, jumps in here:
                text.append(f"    {address:#x} {what}{self._place([*jumps, address])}")
            text.append("    by " + " > ".join(walk.path(at)))
            self.report += ["allowed: " + text[0] if known else "TRAP: " + text[0], *text[1:]]
            if not known:
                if name in own:
                    why = "our own code may have none"
                elif name in allowed:
                    why = f"allowed.txt has {allowed[name]} there, and here are {counts[name]}"
                else:
                    why = "allowed.txt does not have it"
                self.fail("\n".join([f"trap in {text[0]}: {why}", *text[1:]]))
        for name in sorted(set(allowed) - set(counts)):
            self.fail(f"allowed.txt has {name}, where no trap is reached")
        return counts, own

    def _find_lines(self, addresses):
        """Source lines in one go; without debug information there are none."""
        if not addresses:
            return
        ordered = sorted(addresses)
        run = subprocess.run(
            ["addr2line", "-a", "-i", "-e", self.image.path], input="\n".join(map(hex, ordered)),
            capture_output=True, text=True,
        )
        at = None
        for line in run.stdout.splitlines():
            if line.startswith("0x") and ":" not in line:
                at = int(line, 16)
            elif at not in self.lines:
                place = re.match(r"(?:.*/)?((?:Sources|scripts)/.*:[1-9]\d*)", line)
                if place:
                    self.lines[at] = place[1]

    def _place(self, addresses):
        places = sorted({self.lines[a] for a in addresses if a in self.lines})
        return " at " + ", ".join(places) if places else ""

    # MARK: Calls

    def check_calls(self, walk):
        for at in sorted(walk.foreign, key=self.names.stable):
            calls = ", ".join(f"{a:#x} `{text}`" for a, text in self.code.function(at).indirect)
            self.fail(
                f"{self.names.stable(at)} ({self.names.full(at)}) is not ours, calls through a pointer, and "
                f"indirect.txt does not say where to: {calls}\n    by " + " > ".join(walk.path(at)))
        for caller in sorted({line[0] for line in self.indirect_lines} - {"*"} - walk.indirect.used):
            self.fail(f"indirect.txt has {caller}, which makes no indirect call that is reached")
        for caller, targets, _ in self.indirect_lines:
            if targets != "outside" and not any(
                    re.search(targets, name) for at in self.taken for name in self.names.all_full(at)):
                self.fail(f"indirect.txt: no function whose address is taken matches `{targets}`")
        for name in sorted(set(walk.imports) - set(self.outside)):
            if not FATAL.match(name):
                at = min(at for at, _ in walk.imports[name])
                self.fail(f"{name} of another library is called and outside.txt does not know it\n    by " +
                          " > ".join([*walk.path(at), name]))
        for name in sorted(set(self.outside) - set(walk.imports)):
            self.fail(f"outside.txt has {name}, which nothing calls")
        for name, _ in self.doors:
            if name not in walk.doors:
                self.fail(f"doors.txt has {name}, which nothing calls")
        for at, address, target in walk.nowhere:
            self.fail(f"{self.names.stable(at)} jumps at {address:#x} to {target:#x}, where no function is")

        self.report += ["", "Calls through a pointer, and what they may reach:"]
        for at in sorted(walk.entered(), key=self.names.stable):
            function = self.code.function(at)
            if function.indirect:
                targets = walk.indirect.targets(self.names.stable(at))
                listed = [t for c, t, _ in self.indirect_lines if c == self.names.stable(at)]
                where = ", ".join(listed) or "any C entry"
                self.report.append(f"  {self.names.stable(at)}: {len(function.indirect)}: {where}")
                for target in sorted({self.names.stable(t) for t in targets or []}):
                    self.report.append(f"      {target}")
        self.report += ["", "Other libraries' functions, and who calls them:"]
        for name in sorted(walk.imports):
            callers = sorted({self.names.stable(at) for at, _ in walk.imports[name]})
            self.report.append(f"  {name} ({self.outside.get(name, '?')}): {', '.join(callers)}")
        self.report += ["", "Functions that are not ours and are entered:"]
        for at in sorted(walk.entered(), key=self.names.stable):
            if not self.names.is_own(at):
                self.report.append(f"  {self.names.stable(at)}, by {self.names.stable(walk.parent[at])}")

    # MARK: Costs

    def costs(self, walk):
        """Kind -> [(caller, callee)], one for each call."""
        found = defaultdict(list)
        for at in walk.entered():
            function = self.code.function(at)
            for _ in function.system:
                found["system call"].append((at, "syscall"))
            for _, target in function.calls:
                if isinstance(target, str):
                    if self.outside.get(target) in KINDS:
                        found[self.outside[target]].append((at, target))
                    continue
                target = self.image.function_at(target)
                if target is None:
                    continue
                for kind, pattern in RUNTIME_KINDS:
                    name = next((n for n in self.names.all_full(target) if pattern.search(n)), None)
                    if name:
                        found[kind].append((at, name))
                        break
        return found

    def check_costs(self):
        slow = {name for name, _ in lines_of(self.lists / "slow.txt", 2)}
        reached, rows = set(), []
        self.report += ["", "What costs more than instructions:"]
        for root in ("purser_check", "purser_report"):
            if root not in self.roots:
                continue
            fast, all_of_it = self.walk([self.roots[root]], slow), self.walk([self.roots[root]])
            reached |= fast.doors
            on_path, anywhere = self.costs(fast), self.costs(all_of_it)
            rows.append((root, [len(on_path[k]) for k in KINDS], [len(anywhere[k]) - len(on_path[k]) for k in KINDS]))
            for kind in KINDS:
                for at, callee in on_path[kind]:
                    self.fail(f"{kind} on the path of {root}: {self.names.stable(at)} calls {callee}\n    by " +
                              " > ".join(fast.path(at)))
                for at, callee in anywhere[kind]:
                    self.report.append(f"  {kind}: {callee}, by {' > '.join(all_of_it.path(at))}")
        for name in sorted(slow & reached):
            starts = [at for at in self.image.names if self.names.stable(at) == name]
            if not any(self.costs(self.walk(starts)).values()):
                self.fail(f"slow.txt has {name}, which costs nothing")
        for name in sorted(slow - reached):
            self.fail(f"slow.txt has {name}, which neither purser_check nor purser_report reaches")
        return rows

    def run(self):
        walk = self.walk(self.roots.values())
        # First: without these the walk goes to places that no request goes to.
        self.check_calls(walk)
        counts, own = self.check_traps(walk)
        rows = self.check_costs()
        entered = walk.entered()
        print(f"{len(self.roots)} roots reach {len(entered)} functions, {sum(map(self.names.is_own, entered))} of them "
              f"ours, and {len(walk.imports)} of other libraries")
        print(f"traps in our own code: {sum(counts[name] for name in own)}; in what we link: "
              f"{sum(count for name, count in counts.items() if name not in own)}")
        if rows:
            print(f"{'calls that':22}" + "".join(f"{root:>28}" for root, _, _ in rows))
            for i, kind in enumerate(KINDS):
                cells = [f"{fast[i]} (+ {slow[i]} in slow.txt)" for _, fast, slow in rows]
                print(f"{KINDS_SAID[i]:22}" + "".join(f"{cell:>28}" for cell in cells))
        return not self.failures


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default=None)
    parser.add_argument("--lists", default=str(here))
    parser.add_argument("--symbols", default=str(here.parent.parent / "Tests/ABI/symbols.txt"))
    parser.add_argument("--report", default=None)
    parser.add_argument("--everything-is-own", action="store_true", help="for libraries made to test the audit")
    options = parser.parse_args()
    if options.library is None:
        found = [p for p in glob.glob(str(here.parent.parent / "build/symbols/libpurser.so.*"))]
        if len(found) != 1:
            raise SystemExit("trap-audit: build/symbols has no libpurser.so: scripts/build-library.sh makes it")
        options.library = found[0]
    audit = Audit(options)
    held = audit.run()
    if options.report:
        Path(options.report).write_text("\n".join(audit.report) + "\n")
    for failure in audit.failures[:FAILURES_SHOWN]:
        print("FAIL " + failure, file=sys.stderr)
    if len(audit.failures) > FAILURES_SHOWN:
        print(f"and {len(audit.failures) - FAILURES_SHOWN} more failures", file=sys.stderr)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
