"""From the roots through calls to everything they may reach, with one path to each.

                 call, tail jump                 followed
                 call of another library         noted
    function ──► call through a pointer          what indirect.txt says, or, where it is silent, every C entry of ours
                 address of a function, loaded   followed: whoever loads it may call it, or have it called
                 a function of doors.txt         noted, not entered

A C entry is a function with C's convention whose address is taken anywhere, in code that no root reaches and in data
as well: the loader puts it into a table, the request path calls it. Swift's own tables (methods of classes, witnesses)
and closures that the loader keeps are not among them; the request path has neither, and a call of one that it gains
has to be told in indirect.txt.
"""

import re
from collections import deque


class Indirect:
    """The lines of indirect.txt: caller (`*`: every one of ours that has no line), targets, reason. Targets are `outside`
    (another library or the host) or a pattern over the full names of the functions whose address is taken."""

    def __init__(self, lines, names, taken):
        self.lines, self.used, self.found = lines, set(), {}
        entries = sorted(at for at in taken if names.is_c_entry(at))
        for caller, targets, _ in lines:
            addresses = []
            if targets != "outside":
                pattern = re.compile(targets)
                addresses = [at for at in taken if any(pattern.search(name) for name in names.all_full(at))]
            self.found.setdefault(caller, []).extend(addresses)
        # Without a line for everybody any entry is meant.
        narrowed = set(self.found.pop("*", entries))
        self.entries = [at for at in entries if at in narrowed]

    def targets(self, caller):
        if caller in self.found:
            self.used.add(caller)
            return self.found[caller]
        return self.entries


class Walk:
    """`parent`: function -> who called it first. `imports`: name -> {(caller, address)}. `doors`: the doors come to.
    `foreign`: functions that are not ours, make indirect calls and are not in indirect.txt. `nowhere`: jumps that lead to
    no function. Functions that end the process are not entered: calling one is the trap."""

    def __init__(self, code, names, indirect, doors, fatal):
        self.code, self.names, self.indirect, self.closed, self.fatal = code, names, indirect, doors, fatal
        self.parent, self.imports, self.doors, self.foreign = {}, {}, set(), set()
        self.nowhere = []

    def run(self, roots):
        todo = deque()

        def reach(function, caller):
            if function not in self.parent:
                self.parent[function] = caller
                todo.append(function)

        for root in roots:
            reach(root, None)
        while todo:
            at = todo.popleft()
            name = self.names.stable(at)
            if name in self.closed:
                self.doors.add(name)
                continue
            code = self.code.function(at)
            for address, target in code.calls:
                if isinstance(target, str):
                    self.imports.setdefault(target, set()).add((at, address))
                    continue
                # The cold half of a function jumps back into its middle.
                function = self.code.image.function_at(target)
                if function is not None:
                    if function not in self.fatal:
                        reach(function, at)
                else:
                    self.nowhere.append((at, address, target))
            if code.indirect:
                if not self.names.is_own(at) and name not in self.indirect.found:
                    self.foreign.add(at)
                for target in self.indirect.targets(name):
                    reach(target, at)
            for target in code.taken:
                if target not in self.fatal and self.names.is_own(target):
                    reach(target, at)
        return self

    def entered(self):
        """The functions that were read: all but the doors."""
        return [at for at in self.parent if self.names.stable(at) not in self.closed]

    def path(self, at):
        steps = []
        while at is not None:
            steps.append(self.names.stable(at))
            at = self.parent[at]
        return steps[::-1]


def taken_addresses(code, names):
    """Functions of ours whose address is in data, or loaded by code of ours."""
    found = set(code.image.held.values()) | code.image.distances
    for start in code.image.names:
        if names.is_own(start):
            found |= code.function(start).taken
    return {at for at in found if names.is_own(at)}
