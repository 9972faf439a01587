"""The bytes of a robots.txt to values: every record and every fault with its line (RFC 9309 sections 2.1 and 2.2).

Rules of this room:
1. Never raise, whatever the bytes; one pass, linear in the file.
2. Use every line that can be read, even where others cannot (section 2.3.1.1).
3. Only a user-agent line that follows a rule starts a new group. Blank lines, comments, other records and lines
   that cannot be read never do (section 2.2.4).
4. Lines end at CR, LF or CRLF and nowhere else.
"""

from __future__ import annotations

import codecs
import re

from optout.robots.model import Fault, Group, OtherRecord, PathPattern, RobotsTxt, Rule

SIZE_LIMIT = 512_000
"""Octets that are read: the least that RFC 9309 section 2.5 demands, and where Google cuts."""

KNOWN_KEYS = frozenset(
    {
        "clean-param", "content-signal", "content-usage", "crawl-delay", "domain", "host", "license", "noarchive",
        "nofollow", "noindex", "request-rate", "revisit-after", "sitemap", "visit-time",
    }
)  # fmt: skip
"""Keys of other records that some crawler reads; any other key is reported."""

# What google/robotstxt takes for a key of the standard. The standard does not, so the owner should hear of it.
_MISSPELLED = {
    "useragent": "user-agent", "user agent": "user-agent", "dissallow": "disallow", "dissalow": "disallow",
    "disalow": "disallow", "diasllow": "disallow", "disallaw": "disallow", "site-map": "sitemap",
}  # fmt: skip

_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+|\*")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WS = " \t"
_EXCERPT = 60


def parse_robots(data: bytes) -> RobotsTxt:
    """The file that `data` holds. Never raises: what cannot be read is in `faults`."""
    reading = _Reading()
    body = data[:SIZE_LIMIT]
    if body.startswith(codecs.BOM_UTF8):
        reading.fault(1, "byte-order-mark", "a byte order mark opens the file; some crawlers lose the first line")
    body = body.removeprefix(codecs.BOM_UTF8)
    # str.splitlines would end lines at U+2028, VT and FF, too. No octet of a longer character is CR or LF, so it is all
    # the same whether lines or the file are decoded, and the file is sooner done.
    text = body.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.removesuffix("\n").split("\n") if text else []
    too_long = len(data) > SIZE_LIMIT
    if too_long and body[-1:] not in b"\r\n" and data[SIZE_LIMIT : SIZE_LIMIT + 1] not in b"\r\n":
        lines.pop()  # a line that the limit cuts in two would say something that nobody wrote
    if _CONTROL.search(body) is not None or not _is_utf8(body):
        for number, octets in enumerate(body.splitlines()[: len(lines)], start=1):
            reading.octets(number, octets)
    for number, line in enumerate(lines, start=1):
        reading.read(number, line)
    if too_long:
        cut = f"only the first {SIZE_LIMIT:,} octets are read: this line and all after it are ignored"
        reading.fault(len(lines) + 1, "file-too-long", cut)
    return reading.finish(len(data))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _quoted(text: str) -> str:
    return f'"{text}"' if len(text) <= _EXCERPT else f'"{text[:_EXCERPT]}..."'


class _Reading:
    """The state between two lines: the groups so far and the one that is open."""

    def __init__(self) -> None:
        self._groups: list[Group] = []
        self._others: list[OtherRecord] = []
        self._faults: list[Fault] = []
        self._start = 0
        self._tokens: list[str] = []
        self._rules: list[Rule] = []

    def fault(self, line: int, code: str, text: str) -> None:
        self._faults.append(Fault(line=line, code=code, text=text))

    def octets(self, line: int, data: bytes) -> None:
        """Report octets that the grammar has no place for, in a comment too."""
        if _CONTROL.search(data) is not None:
            self.fault(line, "control-character", "a control character stands in the line")
        if not _is_utf8(data):
            self.fault(line, "invalid-utf-8", "the line is not UTF-8; its octets are compared as they are")

    def read(self, line: int, written: str) -> None:
        """Take in one line."""
        text = written.partition("#")[0].strip(_WS)
        if not text:
            return
        key, colon, value = text.partition(":")
        if not colon:
            self.fault(line, "missing-colon", "the line has no colon and is ignored")
            return
        key, value = key.rstrip(_WS).lower(), value.lstrip(_WS)
        if key == "user-agent":
            self._user_agent(line, value)
        elif key in {"allow", "disallow"}:
            self._rule(line, key == "allow", value, text)
        else:
            self._other(line, key, value)

    def _user_agent(self, line: int, token: str) -> None:
        if self._rules:
            self._close()
        if not self._tokens:
            self._start = line
        self._tokens.append(token)
        if _PRODUCT_TOKEN.fullmatch(token) is None:
            text = f"{_quoted(token)} is no product token (letters, - and _): only its exact words compare equal"
            self.fault(line, "token-outside-grammar", text)

    def _rule(self, line: int, allow: bool, value: str, text: str) -> None:
        if not self._tokens:
            self.fault(line, "rule-outside-group", "no user-agent line comes before the rule; it is ignored")
            return
        self._rules.append(Rule(line=line, allow=allow, pattern=PathPattern.parse(value), text=text))
        if value and value[0] not in "/*":
            self.fault(line, "pattern-without-slash", "the pattern begins with neither / nor *: it matches nothing")
        if "%" in value and _MALFORMED_ESCAPE.search(value) is not None:
            self.fault(line, "malformed-escape", "a % without two hex digits is compared as it is written")

    def _other(self, line: int, key: str, value: str) -> None:
        group = len(self._groups) if self._tokens else None
        self._others.append(OtherRecord(line=line, key=key, value=value, group=group, tokens=len(self._tokens)))
        if key not in KNOWN_KEYS:
            meant = f"; was {_MISSPELLED[key]} meant?" if key in _MISSPELLED else ""
            self.fault(line, "unknown-key", f"the key {_quoted(key)} is unknown{meant}")

    def _close(self) -> None:
        self._groups.append(Group(line=self._start, tokens=tuple(self._tokens), rules=tuple(self._rules)))
        self._tokens.clear()
        self._rules.clear()

    def finish(self, size: int) -> RobotsTxt:
        """The file, once its last line has been read."""
        if self._tokens:
            self._close()
        self._faults.sort(key=lambda fault: fault.line)  # those of octets were found before all others
        return RobotsTxt(groups=tuple(self._groups), others=tuple(self._others), faults=tuple(self._faults), size=size)
