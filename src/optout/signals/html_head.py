"""The meta, link and script elements in the head of a page, found as the HTML standard says (sections 13.2.5, 13.2.6).

The standard library's parser is not used: releases that we run on take the square of an unfinished tag (64 KiB of
`<a ` are 40 seconds on Python 3.11.7; the class of CVE-2025-6069) and raise for `<![`. Here every character is looked
at a bounded number of times: each quantifier is possessive, and what is scanned in vain is scanned to the end of the
page, where reading ends.

What is read: start tags, up to `</head>`, `<body>` or the limit. Not in comments, scripts, styles and titles. A head
that a browser would have ended sooner, before a stray `<p>`, is read on: a tag more can only restrict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

LARGEST_HEAD = 128 * 1024  # octets; a head with its styles and scripts inside fits
LONGEST_CONTENT = 4_096  # characters of an attribute; also what int() in html.unescape takes without complaint


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """One `<meta name=... content=...>`. `name` is in small letters; `line` and `column` (characters) count from 1."""

    line: int
    column: int
    name: str
    content: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One `<link>` with a `rel`. `line` counts from 1."""

    line: int
    rel: str
    type: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One `<script>` with a `type`: data, mostly. `line` is the one on which `text` starts, from 1."""

    line: int
    type: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The elements of each kind in their order. `is_cut` says that the limit was reached before the head's end."""

    metas: tuple[Meta, ...] = ()
    links: tuple[Link, ...] = ()
    scripts: tuple[Script, ...] = ()
    is_cut: bool = False


_KEPT = frozenset({"meta", "link", "script"})
_RAW = ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE) for name in _RAW}
_MARKUP = re.compile(r"<(?:(!--)|(/?)([A-Za-z][^ \t\n\f\r/>]*+)|[!?/])")
_SHORT_COMMENT = re.compile(r"-?>")
_COMMENT_END = re.compile(r"--!?>")
_ATTRIBUTE = re.compile(
    r"""[ \t\n\f\r/]*+(?:(>)|([^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"""
    r"""(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+(?:"([^"]*+)(?:"|\Z)|'([^']*+)(?:'|\Z)|([^ \t\n\f\r>"'][^ \t\n\f\r>]*+)?))?+)"""
)
_LINE_END = re.compile(r"\r\n?|\n")


def parse_head(page: bytes) -> Head:
    """The elements of a page's head. Never raises; linear time."""
    reading = _Reading(_text(page[:LARGEST_HEAD]))
    ended = reading.read()
    return Head(
        metas=tuple(reading.metas),
        links=tuple(reading.links),
        scripts=tuple(reading.scripts),
        is_cut=not ended and len(page) > LARGEST_HEAD,
    )


def _text(data: bytes) -> str:
    # All that matters is ASCII, so any encoding that contains it reads as UTF-8; UTF-16 does not (section 13.2.3.2).
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


class _Reading:
    """One pass over the text."""

    def __init__(self, text: str) -> None:
        self.metas: list[Meta] = []
        self.links: list[Link] = []
        self.scripts: list[Script] = []
        self._text = text
        self._line = 1
        self._line_start = 0
        self._counted = 0

    def read(self) -> bool:
        """Collects the elements; whether the end of the head was seen."""
        at = 0
        while (found := _MARKUP.search(self._text, at)) is not None:
            at = found.end()
            if found[1]:
                end = _SHORT_COMMENT.match(self._text, at) or _COMMENT_END.search(self._text, at)
                if end is None:
                    return False
                at = end.end()
            elif found[3]:
                name, is_end = found[3].lower(), bool(found[2])
                if (name == "head" and is_end) or (name in {"body", "frameset", "plaintext"} and not is_end):
                    return True
                attributes: dict[str, str] | None = {} if name in _KEPT and not is_end else None
                at = self._tag(found.start(), at, name, attributes)
                if name in _RAW_ENDS and not is_end:
                    raw_end = _RAW_ENDS[name].search(self._text, at)
                    if raw_end is None:
                        return False
                    if attributes and name == "script":
                        self._script(at, raw_end.start(), attributes)
                    at = raw_end.start()
            else:  # a doctype, a processing instruction, a mistake: all end at the next ">"
                close = self._text.find(">", at)
                if close < 0:
                    return False
                at = close + 1
        return False

    def _tag(self, start: int, at: int, name: str, attributes: dict[str, str] | None) -> int:
        """Reads a tag, and its attributes if they are wanted; where it ends. A tag that is not finished is none."""
        while (found := _ATTRIBUTE.match(self._text, at)) is not None:
            at = found.end()
            if found[1]:
                if attributes and name == "meta":
                    self._meta(start, attributes)
                elif attributes and name == "link":
                    self._link(start, attributes)
                return at
            if attributes is not None:  # of an attribute given twice the first counts (section 13.2.5.33)
                attributes.setdefault(found[2].lower(), found[3] or found[4] or found[5] or "")
        return len(self._text)

    def _meta(self, start: int, attributes: dict[str, str]) -> None:
        name, content = attributes.get("name", ""), attributes.get("content", "")
        if not name:
            return
        self._count(start)
        self.metas.append(
            Meta(
                line=self._line,
                column=start - self._line_start + 1,
                name=unescape(name[:LONGEST_CONTENT]).strip(" \t\n\f\r").lower(),
                content=unescape(content[:LONGEST_CONTENT]),
                is_cut=len(content) > LONGEST_CONTENT,
            )
        )

    def _link(self, start: int, attributes: dict[str, str]) -> None:
        rel, kind, href = (unescape(attributes.get(name, "")[:LONGEST_CONTENT]) for name in ("rel", "type", "href"))
        if rel:
            self._count(start)
            self.links.append(Link(line=self._line, rel=rel, type=kind, href=href.strip(" \t\n\f\r")))

    def _script(self, start: int, end: int, attributes: dict[str, str]) -> None:
        kind = unescape(attributes.get("type", "")[:LONGEST_CONTENT])
        if kind:
            self._count(start)
            self.scripts.append(Script(line=self._line, type=kind, text=self._text[start:end]))

    def _count(self, at: int) -> None:
        """Moves to the line of an offset; offsets only grow, so every character is counted once."""
        for end in _LINE_END.finditer(self._text, self._counted, at):
            self._line += 1
            self._line_start = end.end()
        self._counted = at
