"""The machine code, one function at a time, from the text that objdump prints.

A function is parsed when somebody asks for it, so the tens of thousands that no root reaches cost only their lines.
"""

import bisect
import re
import subprocess
from collections import defaultdict

# address, mnemonic, operands, and what objdump says an operand relative to the instruction comes to
LINE = re.compile(r"^ *([0-9a-f]+):\t(\S+)(?: +([^#\n]*?))?(?: +# ([0-9a-f]+)[^\n]*)?$", re.M)
STUB = re.compile(r"^ *([0-9a-f]+):\t(?:bnd )?jmp +\*0x[0-9a-f]+\(%rip\) +# ([0-9a-f]+)", re.M)
TRAPS = {"ud0", "ud1", "ud2", "int", "int1", "int3", "icebp", "hlt", "(bad)"}
PREFIXES = {"bnd", "notrack", "rep", "repz", "repnz", "lock", "data16", "cs", "ds", "es", "ss", "addr32"}
SYSTEM = {"syscall", "sysenter"}


class Function:
    """`calls`: (address, target), tail jumps included; a target is an address or the name of an import.
    `indirect`: (address, text). `traps`: (address, mnemonic, target of the call right before it or None).
    `taken`: functions whose address it loads. `jumps`: target within the function -> the addresses of its jumps."""

    def __init__(self):
        self.calls, self.indirect, self.traps, self.system = [], [], [], []
        self.taken, self.jumps = set(), defaultdict(list)


class Code:
    def __init__(self, image, objdump):
        self.image = image
        self.text = subprocess.run(
            [objdump, "-d", "--no-show-raw-insn", "-w", image.path], check=True, capture_output=True, text=True
        ).stdout
        self.labels = {int(m[1], 16): m.start() for m in re.finditer(r"^([0-9a-f]{16}) <", self.text, re.M)}
        self.order = sorted(self.labels)
        self.functions = {}
        self.stubs = {
            int(m[1], 16): image.imports[int(m[2], 16)]
            for m in STUB.finditer(self.text)
            if int(m[2], 16) in image.imports
        }

    def function(self, start):
        if start not in self.functions:
            self.functions[start] = self._parse(start)
        return self.functions[start]

    def _block(self, label):
        i = bisect.bisect_left(self.order, label)
        stop = self.labels[self.order[i + 1]] if i + 1 < len(self.order) else len(self.text)
        return self.text[self.text.index("\n", self.labels[label]) + 1 : stop]

    def _parse(self, start):
        image, found, end = self.image, Function(), self.image.end[start]
        if start not in self.labels:
            return found
        before, last, last_call = [], "", None
        for m in LINE.finditer(self._block(start)):
            address = int(m[1], 16)
            if address >= end:
                break
            mnemonic, operands = m[2], m[3] or ""
            while mnemonic in PREFIXES and operands:
                mnemonic, _, operands = operands.partition(" ")
                operands = operands.strip()
            place = int(m[4], 16) if m[4] else None
            call = None
            if mnemonic in TRAPS:
                found.traps.append((address, mnemonic, last_call))
            elif mnemonic in SYSTEM:
                found.system.append(address)
            elif mnemonic == "call" or mnemonic[0] == "j" or mnemonic.startswith("loop"):
                if not operands.startswith("*"):
                    target = int(operands.split()[0], 16)
                    if mnemonic != "call" and start <= target < end:
                        found.jumps[target].append(address)
                    else:
                        call = self.stubs.get(target, target)
                elif place in image.imports:
                    call = image.imports[place]
                elif place in image.constant_words:
                    call = image.constant_words[place]
                elif mnemonic == "call" or not is_switch(operands[1:], before):
                    found.indirect.append((address, f"{mnemonic} {operands}"))
                if call is not None:
                    found.calls.append((address, call))
            if place is not None and not call:
                if mnemonic == "lea":
                    if place in image.names:
                        found.taken.add(place)
                elif place in image.held:
                    found.taken.add(image.held[place])
            last_call = call if mnemonic == "call" else None
            last = mnemonic
            before = before[-7:] + [(mnemonic, operands)]
        # Hand-written code may run on into what follows it.
        if last and last not in TRAPS and last not in ("ret", "jmp", "call") and end in image.names:
            found.calls.append((end, end))
        return found


def is_switch(register, before):
    """Whether `jmp *register` is a switch: an entry of a table of distances, added to the table's address."""
    for mnemonic, operands in reversed(before):
        if operands.endswith("," + register):
            return mnemonic == "add" and any(m == "movslq" for m, _ in before)
    return False
