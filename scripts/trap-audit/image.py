"""A shared library as the audit sees it: symbols, and where its data names functions.

Reads ELF64 little-endian by hand, so that nothing but Python's own library is needed.

    symbol table ─► functions: [start, end) with every name at that address (identical functions are folded)
    relocations ──► words of data that hold an address in the code, and the slots of imported functions
    sections ─────► 32-bit words that hold the distance to a function: Swift's metadata names functions so
"""

import bisect
import struct
from collections import defaultdict

SHT_RELA, SHT_RELR, SHT_SYMTAB, SHT_DYNSYM, SHT_NOBITS = 4, 19, 2, 11, 8
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE = 2, 10, 0
R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, R_X86_64_RELATIVE = 1, 6, 7, 8


class Section:
    def __init__(self, name, kind, flags, address, offset, size, link):
        self.name, self.kind, self.flags = name, kind, flags
        self.address, self.offset, self.size, self.link = address, offset, size, link


class Image:
    """names:     address of a function -> its names, sorted
    end:       address of a function -> where it ends
    exports:   name -> address
    imports:   address of a word in data -> name of what another library puts there
    held:      address of a word in data -> the function whose address it holds
    constant_words: those of `held` that nobody writes: the global offset table
    distances: the functions that data names by their distance
    """

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = file.read()
        if self.bytes[:6] != b"\x7fELF\x02\x01":
            raise SystemExit(f"trap-audit: {path} is no 64-bit little-endian ELF file")
        self.path = path
        self._read_sections()
        self._read_symbols()
        self._read_relocations()
        self._read_distances()

    def _read_sections(self):
        table, = struct.unpack_from("<Q", self.bytes, 0x28)
        size, count, names_index = struct.unpack_from("<HHH", self.bytes, 0x3A)
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.bytes, table + size * i) for i in range(count)]
        names_offset = raw[names_index][4]
        self.sections = [
            Section(self._text(names_offset + r[0]), r[1], r[2], r[3], r[4], r[5], r[6]) for r in raw
        ]

    def _text(self, offset):
        return self.bytes[offset : self.bytes.index(b"\0", offset)].decode()

    def _symbols(self, kind):
        for section in self.sections:
            if section.kind != kind:
                continue
            text = self.sections[section.link].offset
            for offset in range(section.offset, section.offset + section.size, 24):
                name, info, _, index, value, size = struct.unpack_from("<IBBHQQ", self.bytes, offset)
                yield self._text(text + name), info & 15, index, value, size

    def _read_symbols(self):
        executable = {i for i, s in enumerate(self.sections) if s.flags & SHF_EXECINSTR}
        names, sizes = defaultdict(set), defaultdict(int)
        for name, kind, index, value, size in self._symbols(SHT_SYMTAB):
            if index in executable and name and kind in (STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE):
                names[value].add(name)
                sizes[value] = max(sizes[value], size)
        self.names = {address: sorted(found) for address, found in names.items()}
        self.starts = sorted(self.names)
        self.end = {}
        for i, start in enumerate(self.starts):
            section = self.section_of(start)
            limit = min(section.address + section.size, self.starts[i + 1] if i + 1 < len(self.starts) else 1 << 63)
            # A hand-written function may have no size: it ends where the next one begins.
            self.end[start] = min(start + sizes[start], limit) if sizes[start] else limit
        self.exports = {
            name.split("@")[0]: value
            for name, kind, index, value, _ in self._symbols(SHT_DYNSYM)
            if index in executable and kind == STT_FUNC
        }

    def section_of(self, address):
        for section in self.sections:
            if section.flags & SHF_ALLOC and section.address <= address < section.address + section.size:
                return section
        raise SystemExit(f"trap-audit: {address:#x} is in no section of {self.path}")

    def function_at(self, address):
        """The beginning of the function that holds this address, else None."""
        i = bisect.bisect_right(self.starts, address) - 1
        if i >= 0 and address < self.end[self.starts[i]]:
            return self.starts[i]
        return None

    def word(self, address):
        for section in self.sections:
            if section.flags & SHF_ALLOC and section.kind != SHT_NOBITS:
                if section.address <= address and address + 8 <= section.address + section.size:
                    return struct.unpack_from("<Q", self.bytes, section.offset + address - section.address)[0]
        return 0

    def _read_relocations(self):
        self.imports, self.held = {}, {}
        dynamic = list(self._symbols(SHT_DYNSYM))

        def holds(place, address):
            if address in self.names:
                self.held[place] = address

        for section in self.sections:
            if not section.flags & SHF_ALLOC:
                continue
            if section.kind == SHT_RELA:
                for offset in range(section.offset, section.offset + section.size, 24):
                    place, info, addend = struct.unpack_from("<QQq", self.bytes, offset)
                    kind, symbol = info & 0xFFFFFFFF, info >> 32
                    if kind == R_X86_64_RELATIVE:
                        holds(place, addend)
                    elif kind in (R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT):
                        name, _, index, value, _ = dynamic[symbol]
                        if index:
                            holds(place, value + addend)
                        else:
                            self.imports[place] = name.split("@")[0]
            elif section.kind == SHT_RELR:
                place = 0
                for offset in range(section.offset, section.offset + section.size, 8):
                    entry, = struct.unpack_from("<Q", self.bytes, offset)
                    if entry & 1:
                        for bit in range(63):
                            if entry >> (bit + 1) & 1:
                                holds(place + 8 * bit, self.word(place + 8 * bit))
                        place += 8 * 63
                    else:
                        holds(entry, self.word(entry))
                        place = entry + 8

        self.constant_words = {
            place: address for place, address in self.held.items() if self.section_of(place).name.startswith(".got")
        }

    def _read_distances(self):
        self.distances = set()
        for section in self.sections:
            if not section.flags & SHF_ALLOC or section.flags & SHF_EXECINSTR or section.kind == SHT_NOBITS:
                continue
            if section.kind in (SHT_RELA, SHT_RELR, SHT_DYNSYM):
                continue
            if section.name.startswith((".eh_frame", ".dyn", ".gnu")):
                continue
            size = section.size & ~3
            words = memoryview(self.bytes)[section.offset : section.offset + size].cast("i")
            address, names = section.address, self.names
            for i, distance in enumerate(words):
                if distance and address + 4 * i + distance in names:
                    self.distances.add(address + 4 * i + distance)
