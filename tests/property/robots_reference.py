"""A second reading of RFC 9309, slow and plain, that shares no code and no idea with `optout.robots`.

The file is taken apart octet by octet. A value becomes a list of atoms, each an octet that is written bare or as an
escape; spelled out again they are the octets that are compared. Matching fills the whole table of (pattern position,
path position).
"""

from __future__ import annotations

from dataclasses import dataclass, field

UNRESERVED = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
HEX = "0123456789abcdefABCDEF"
WILDCARD, END = -1, -2

Atom = tuple[str, int]


@dataclass
class Record:
    """One rule line."""

    line: int
    allow: bool
    value: bytes


@dataclass
class Section:
    """User-agent lines and the rules that follow them."""

    tokens: list[bytes] = field(default_factory=list)
    rules: list[Record] = field(default_factory=list)


def split_lines(data: bytes) -> list[bytes]:
    lines, current, place = [], [], 0
    while place < len(data):
        octet = data[place]
        if octet in (0x0A, 0x0D):
            lines.append(bytes(current))
            current = []
            if octet == 0x0D and place + 1 < len(data) and data[place + 1] == 0x0A:
                place += 1
        else:
            current.append(octet)
        place += 1
    return [*lines, bytes(current)]


def sections(data: bytes) -> list[Section]:
    if data[:3] == b"\xef\xbb\xbf":
        data = data[3:]
    found: list[Section] = []
    last_was_rule = False
    for number, line in enumerate(split_lines(data), start=1):
        record = line.split(b"#")[0]
        if b":" not in record:
            continue
        key, value = record.split(b":", 1)
        key, value = key.strip(b" \t").lower(), value.strip(b" \t")
        if key == b"user-agent":
            if not found or last_was_rule:
                found.append(Section())
            found[-1].tokens.append(value.lower())
            last_was_rule = False
        elif key in (b"allow", b"disallow") and found:
            found[-1].rules.append(Record(number, key == b"allow", value))
            last_was_rule = True
    return found


def atoms(data: bytes) -> list[Atom]:
    """The octets as compared: ("bare", octet) or ("escaped", octet)."""
    found: list[Atom] = []
    place = 0
    while place < len(data):
        pair = data[place + 1 : place + 3].decode("latin-1")
        if data[place] == 0x25 and len(pair) == 2 and pair[0] in HEX and pair[1] in HEX:
            octet = int(pair, 16)
            found.append(("bare" if octet in UNRESERVED else "escaped", octet))
            place += 3
            continue
        octet = data[place]
        found.append(("escaped" if octet >= 0x7F or octet <= 0x20 else "bare", octet))
        place += 1
    return found


def literal_special(atom: Atom) -> Atom:
    """RFC 9309 section 2.2.3: a special character that is meant itself is written with an escape."""
    return ("escaped", atom[1]) if atom in (("bare", 0x2A), ("bare", 0x24)) else atom


def spelled(atom: Atom) -> bytes:
    return f"%{atom[1]:02X}".encode() if atom[0] == "escaped" else bytes([atom[1]])


def pattern_symbols(value: bytes) -> list[int]:
    found: list[int] = []
    written = atoms(value)
    for place, atom in enumerate(written):
        if atom == ("bare", 0x2A):
            found.append(WILDCARD)
        elif atom == ("bare", 0x24) and place == len(written) - 1:
            found.append(END)
        else:
            found.extend(spelled(literal_special(atom)))
    return found


def octets_of(value: bytes) -> int:
    return sum(len(spelled(atom)) for atom in atoms(value))


def path_octets(target: bytes) -> bytes:
    path = target.split(b"#")[0]
    if path[:1] != b"/":
        path = b"/" + path
    return b"".join(spelled(literal_special(atom)) for atom in atoms(path))


def matches(value: bytes, target: bytes) -> bool:
    if not value:
        return False
    pattern, path = pattern_symbols(value), path_octets(target)
    # table[i][j]: what follows place i of the pattern matches what follows place j of the path.
    table = [[False] * (len(path) + 1) for _ in range(len(pattern) + 1)]
    for j in range(len(path) + 1):
        table[len(pattern)][j] = True
    for i in range(len(pattern) - 1, -1, -1):
        for j in range(len(path), -1, -1):
            if pattern[i] == WILDCARD:
                table[i][j] = table[i + 1][j] or (j < len(path) and table[i][j + 1])
            elif pattern[i] == END:
                table[i][j] = j == len(path)
            else:
                table[i][j] = j < len(path) and pattern[i] == path[j] and table[i + 1][j + 1]
    return table[0][0]


def ask(data: bytes, token: bytes, target: bytes) -> tuple[bool, int]:
    """Whether the path is allowed, and the first line that says so; 0 if none does."""
    if path_octets(target) == b"/robots.txt":
        return True, 0
    all_sections = sections(data)
    binding = [section for section in all_sections if token.lower() in section.tokens]
    if not binding:
        binding = [section for section in all_sections if b"*" in section.tokens]
    best = (-1, False, 0)
    for section in binding:
        for rule in section.rules:
            if matches(rule.value, target):
                rank = (octets_of(rule.value), rule.allow)
                if rank > best[:2]:
                    best = (*rank, rule.line)
    return (best[1], best[2]) if best[0] >= 0 else (True, 0)
