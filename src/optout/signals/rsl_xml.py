"""A stranger's XML as a tree of elements with lines: no DTD, no entities but XML's own five, nothing is fetched.

Expat scans, without its namespaces: it would copy a namespace's URI for every attribute that has its prefix, so that
half a megabyte could ask for gigabytes. Here a prefix is looked up. Size, depth and number of elements are limited, and
what was read before a mistake is kept; who uses it must know that there was one.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat

from optout.signals.preference import SignalFault
from optout.signals.rsl_model import RslFaultCode

LARGEST_FILE = 512 * 1024  # octets; as much as of a robots.txt and a tdmrep.json
DEEPEST = 32  # elements within elements; a license in a feed needs eight
MOST_ELEMENTS = 10_000
_XML_SPACE = "http://www.w3.org/XML/1998/namespace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """An element: `space` is its namespace, `name` its local name, `text` its own text without its children's.

    `attributes` are those without a prefix. `prefixes` says which namespace each prefix stands for here.
    """

    line: int
    space: str
    name: str
    attributes: Mapping[str, str]
    prefixes: Mapping[str, str] = field(repr=False)
    children: tuple[Element, ...] = ()
    text: str = ""

    def all(self, space: str, name: str) -> Iterable[Element]:
        """The children of this name, in order."""
        return (child for child in self.children if child.space == space and child.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Xml:
    """A document's outermost element, as far as it could be read, and what ended the reading."""

    root: Element | None = None
    faults: tuple[SignalFault, ...] = ()


def parse_xml(data: bytes, *, first_line: int = 1) -> Xml:
    """The tree of an XML document in UTF-8 or UTF-16. Never raises; linear time.

    `first_line` is the number of its first line, for a document that stands inside another.
    """
    reading = _Reading(first_line)
    text = reading.decode(data)
    reading.read(text)
    return Xml(root=reading.root, faults=tuple(reading.faults))


class _Stop(Exception):  # noqa: N818  no error: the way out of expat's callbacks
    """Reading ends here."""


@dataclass(slots=True)
class _Open:
    """An element that has not ended yet."""

    line: int
    space: str
    name: str
    attributes: dict[str, str]
    prefixes: ChainMap[str, str]
    children: list[Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def closed(self) -> Element:
        return Element(
            line=self.line,
            space=self.space,
            name=self.name,
            attributes=self.attributes,
            prefixes=self.prefixes,
            children=tuple(self.children),
            text="".join(self.text),
        )


class _Reading:
    """One pass over a document."""

    def __init__(self, first_line: int) -> None:
        self.root: Element | None = None
        self.faults: list[SignalFault] = []
        self._before = first_line - 1
        self._open: list[_Open] = []
        self._count = 0
        self._is_cut = False
        self._parser = self._made()

    def _made(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8")  # whatever the document declares: it was decoded before
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        return parser

    def decode(self, data: bytes) -> bytes:
        """The document in UTF-8, cut at the limit."""
        if len(data) > LARGEST_FILE:
            self._fault(0, RslFaultCode.TOO_LARGE, f"larger than {LARGEST_FILE} octets: the rest is not read")
            data, self._is_cut = data[:LARGEST_FILE], True
        coding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
        try:
            return data.decode(coding).encode()
        except UnicodeError:  # also a lone half of a character, which UTF-16 has and UTF-8 has not
            if not self._is_cut:  # a cut may fall within a character
                self._fault(0, RslFaultCode.NOT_UTF_8, "not all of it is UTF-8: many readers stop there")
            return data.decode(coding, "replace").encode("utf-8", "replace")

    def read(self, data: bytes) -> None:
        """Builds the tree. In one call: expat of old looks again at what an unfinished call left."""
        try:
            self._parser.Parse(data, True)
        except _Stop:
            pass
        except expat.ExpatError as error:
            if not self._is_cut:
                self._fault(error.lineno, RslFaultCode.NOT_XML, f"{expat.ErrorString(error.code)}: not read from here")
        while self._open:
            self._end("")

    def _fault(self, line: int, code: RslFaultCode, text: str) -> None:
        self.faults.append(SignalFault(line=line + self._before if line else 0, code=code, text=text))

    def _stop(self, code: RslFaultCode, text: str) -> NoReturn:
        self._fault(self._parser.CurrentLineNumber, code, f"{text}: not read from here")
        raise _Stop

    def _doctype(self, *_: Any) -> None:
        self._stop(RslFaultCode.DOCTYPE, "a document type, which can make entities of any size")

    def _start(self, tag: str, written: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS:
            self._stop(RslFaultCode.TOO_MANY, f"more than {MOST_ELEMENTS} elements")
        if len(self._open) >= DEEPEST:
            self._stop(RslFaultCode.TOO_DEEP, f"nested deeper than {DEEPEST}")
        prefixes = self._open[-1].prefixes if self._open else ChainMap({"xml": _XML_SPACE, "": ""})
        own = {
            name.removeprefix("xmlns").removeprefix(":"): value
            for name, value in written.items()
            if name == "xmlns" or name.startswith("xmlns:")
        }
        prefixes = prefixes.new_child(own) if own else prefixes
        prefix, _, name = tag.rpartition(":")
        space = prefixes.get(prefix)
        if space is None:
            self._stop(RslFaultCode.NOT_XML, "a prefix that stands for no namespace")
        line = self._parser.CurrentLineNumber + self._before
        attributes = {name: value for name, value in written.items() if ":" not in name and name != "xmlns"}
        self._open.append(_Open(line, space, name, attributes, prefixes))

    def _end(self, _: str) -> None:
        element = self._open.pop().closed()
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)
