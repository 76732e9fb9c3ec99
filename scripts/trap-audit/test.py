#!/usr/bin/env python3
"""The audit fails on a planted trap: called, called through a table, put there by a loader, jumped to, in Swift."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOTS = ("purser_direct", "purser_tail", "purser_indirect", "purser_stored", "purser_abort", "purser_check")
LISTS = {
    "roots": [f"{name}\tin\ta root" for name in ROOTS] + ["purser_load\tout\tthe loader", "purser_other\tout\tanother"],
    "outside": ["malloc\tallocation\ttests NULL"],
    "slow": ["grows\tnow and then"],
    "doors": [],
    "indirect": [],
    "allowed": [],
}
TRAPS = ("called", "tail_called", "in_table", "stored", "aborts")


class Test:
    def __init__(self, folder):
        self.folder, self.failed = Path(folder), False

    def audit(self, library, **changes):
        """Exit status and what was printed, with these lists instead."""
        lists = {**LISTS, **changes}
        for name, lines in lists.items():
            (self.folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
        names = [line.split("\t")[0] for line in changes.get("symbols", lists["roots"])]
        (self.folder / "symbols").write_text("\n".join(names) + "\n")
        run = subprocess.run(
            [sys.executable, HERE / "audit.py", "--library", library, "--lists", self.folder, "--symbols",
             self.folder / "symbols", "--everything-is-own"], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr

    def expect(self, what, status, wanted_status, text, *wanted, without=()):
        missing = [w for w in wanted if w not in text] + [f"no {w}" for w in without if w in text]
        if status != wanted_status or missing:
            self.failed = True
            print(f"FAIL {what}: status {status}, missing {missing}\n{text}")
        else:
            print(f"ok   {what}")

    def run(self):
        libraries = {}
        for plant in (0, 1):
            libraries[plant] = self.folder / f"planted{plant}.so"
            subprocess.run(["gcc", "-std=c11", "-O2", "-g", "-fPIC", "-shared", "-nostartfiles", f"-DPLANT={plant}",
                            HERE / "planted/planted.c", "-o", libraries[plant]], check=True)
        clean, planted = libraries[0], libraries[1]
        self.expect("a library without traps holds", *self.want(0, self.audit(clean)), "0 (+ 1 in slow.txt)")
        status, text = self.audit(planted)
        self.expect(
            "planted traps are found", *self.want(1, (status, text)), *(f"trap in {name} " for name in TRAPS),
            "by purser_tail > tail_called", "by purser_indirect > stored", "call of abort", "planted.c:",
            without=("unreached", "in_other_table ("))
        allowed = [f"1\t{name}\tit is known" for name in TRAPS]
        self.expect("our own traps may not be allowed", *self.want(1, self.audit(planted, allowed=allowed)),
                    "our own code may have none")
        self.expect("an allowance of nothing fails", *self.want(1, self.audit(clean, allowed=["1\tgone\twas there"])),
                    "gone, where no trap is reached")
        self.expect("a new export has to be put in or out",
                    *self.want(1, self.audit(clean, symbols=[*LISTS["roots"], "purser_new"])), "purser_new")
        self.expect("an export that is gone", *self.want(1, self.audit(clean, symbols=LISTS["roots"][1:])),
                    "purser_direct, which is no export")
        self.expect("an allocation on the path", *self.want(1, self.audit(clean, slow=[])),
                    "allocation on the path of purser_check: grows calls malloc")
        self.expect("a slow function that costs nothing",
                    *self.want(1, self.audit(clean, outside=["malloc\tplain\tx"])),
                    "grows, which costs nothing")
        self.expect("an unknown function of another library", *self.want(1, self.audit(clean, outside=[])),
                    "malloc of another library")
        self.expect("a door that nothing calls", *self.want(1, self.audit(clean, doors=["gone\tno more"])),
                    "gone, which nothing calls")
        swift = self.folder / "planted_swift.so"
        subprocess.run(["swiftc", "-O", "-parse-as-library", "-emit-library", "-module-name", "Planted",
                        HERE / "planted/planted.swift", "-o", swift], check=True)
        self.expect(
            "a trap of Swift's", *self.want(1, self.audit(
                swift, roots=["purser_sum\tin\ta root"], outside=[], slow=[])),
            "trap in Planted.sum ", "by purser_sum > Planted.sum")
        return not self.failed

    @staticmethod
    def want(status, result):
        return result[0], status, result[1]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(0 if Test(temporary).run() else 1)
