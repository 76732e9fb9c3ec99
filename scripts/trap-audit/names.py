"""Symbols as people and the lists of this folder spell them.

    $s12PurserEngine11WorkerStateV4grow33_…LL_3foryySpyACG_…FZTf4nnd_n
    function signature specialization <Arg[2] = Dead> of static PurserEngine.WorkerState.(grow in _…)(…) -> ()
    static PurserEngine.WorkerState.grow

The last is the stable form: it does not change with the optimizer's mood. Functions may share one.
"""

import re
import subprocess

# Modules whose code is ours, as they stand in a mangled name, and our C.
OWN = re.compile(
    r"(?<!\d)(3CEL|16PurserAttributes|12PurserPolicy|15PurserTelemetry|14PurserBackends|12PurserEngine"
    r"|19PurserConfiguration|7PurserC|14PurserExternal|15PurserProviders|11PurserStore|16PurserCheckCache)(?![a-z])"
    r"|^(purser|platform|microhttpd|yaml_shim|lmdb_door|http|ext_authz|jansson|json_reader|sodium_seal)_"
)
# The standard library's functions, made for our types: its source, our object file.
SPECIALIZED = re.compile(
    r"generic (?:not re-abstracted )?specialization <.*> of (?:static )?(?:\(extension in Swift\):)?Swift\."
)


def demangle(names):
    found = {}
    for command, prefix in ((["swift", "demangle", "--compact"], "$s"), (["c++filt"], "_Z")):
        mangled = sorted(name for name in names if name.startswith(prefix))
        if mangled:
            run = subprocess.run(command, input="\n".join(mangled), capture_output=True, text=True, check=True)
            found.update(zip(mangled, run.stdout.splitlines()))
    return found


def without(text, opening, closing):
    """The text less everything in these brackets."""
    kept, depth, i = [], 0, 0
    while i < len(text):
        if text.startswith("->", i):
            if depth == 0:
                kept.append("->")
            i += 2
            continue
        if text[i] == opening:
            depth += 1
        elif text[i] == closing and depth > 0:
            depth -= 1
        elif depth == 0:
            kept.append(text[i])
        i += 1
    return "".join(kept)


def stable(text):
    text = re.sub(r"\((\S+) in _[0-9A-F]{32}\)", r"\1", text)
    text = re.sub(r" with unmangled suffix .*", "", text)
    if not re.search(r"[ (<]", text):
        return re.sub(r"\.(cold|part|constprop|isra)\b.*", "", text)
    text = re.sub(r"\b(operator|infix|prefix|postfix) ?[<>=]+|[<>=]{1,3} (?:infix|prefix|postfix)", "operator", text)
    text = without(without(text, "(", ")"), "<", ">")
    text = re.sub(r"^(?:.* specialization\s+of |@objc |merged |reabstraction thunk helper )+", "", text)
    text = re.sub(r"(^|\s):(?=\w)", r"\1", text)
    text = re.sub(r"(?: (?:async|throws))*\s*->.*?(?= in |$)", "", text)
    text = re.sub(r"(closure #\d+)(?: @Sendable)?\s+in", r"\1 in", text)
    return re.sub(r"\s+", " ", text).strip()


class Names:
    """`full` and `stable` forms of the function at an address; `is_own`; `is_specialized`."""

    def __init__(self, image, everything_is_own=False):
        self.image, self.everything_is_own = image, everything_is_own
        self.demangled = demangle({name for names in image.names.values() for name in names})
        self._stable = {}

    def _chosen(self, address):
        """Of the names of folded functions one of ours, the shortest."""
        return min(self.image.names[address], key=lambda name: (not OWN.search(name), len(name), name))

    def is_own(self, address):
        return self.everything_is_own or any(OWN.search(name) for name in self.image.names[address])

    def is_c_entry(self, address):
        """Whether it has C's convention. Swift calls such an entry Objective-C's, also where there is none."""
        return any("@objc " in full or not name.startswith("$s") for name, full in
                   ((name, self.demangled.get(name, name)) for name in self.image.names[address]))

    def is_specialized(self, address):
        return bool(SPECIALIZED.search(self.full(address)))

    def all_full(self, address):
        return [self.demangled.get(name, name) for name in self.image.names[address]]

    def full(self, address):
        name = self._chosen(address)
        return self.demangled.get(name, name)

    def stable(self, address):
        if address not in self._stable:
            self._stable[address] = stable(self.full(address))
        return self._stable[address]
