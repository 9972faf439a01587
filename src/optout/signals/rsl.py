"""RSL 1.0 documents: bytes to contents and licenses, with every fault and its line.

A document is known by its namespace. An element that RSL does not know makes it non-conformant; so does whatever
leaves open what a license demands. Such a document still restricts and permits nothing (`Rsl.is_sound`). In feeds the
contents of items are read (RSS, Atom).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from optout.messages import parse_authority, parse_target
from optout.robots.model import PathPattern
from optout.signals.rsl_license import LicenseReading
from optout.signals.rsl_model import MAX_AGE, NAMESPACE, Rsl, RslContent, RslCopyright, RslFaultCode
from optout.signals.rsl_xml import Element, parse_xml

HERE: Final = PathPattern.parse("/")
"""The pattern of a content that speaks of the page in which it stands."""

_ATOM = "http://www.w3.org/2005/Atom"
_DAYS = re.compile(r"0*([1-9][0-9]{0,5})")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_rsl(data: bytes, *, in_page: bool = False, first_line: int = 1) -> Rsl:
    """The contents of an RSL document, or of a feed that has some. Never raises; linear time.

    `in_page` says that it stands in a `script` of an HTML page, which a content with an empty `url` is about;
    `first_line` is the number of the line on which it starts there.
    """
    xml = parse_xml(data, first_line=first_line)
    reading = _Reading(in_page=in_page)
    contents, max_age = reading.document(xml.root) if xml.root is not None else ((), MAX_AGE)
    faults = sorted((*xml.faults, *reading.faults), key=lambda fault: fault.line)
    return Rsl(contents=contents, max_age=max_age, faults=tuple(faults))


class _Reading(LicenseReading):
    """One pass over the tree."""

    def __init__(self, *, in_page: bool) -> None:
        super().__init__()
        self._in_page = in_page

    def document(self, root: Element) -> tuple[tuple[RslContent, ...], int]:
        """The contents, and how many days they hold."""
        if (root.space, root.name) == (NAMESPACE, "rsl"):
            self.check_children(root)
            found = [self._content(each, each.attributes.get("url")) for each in root.all(NAMESPACE, "content")]
            contents = tuple(each for each in found if each is not None)
            if not found:
                self.fault(root, RslFaultCode.NO_CONTENT, "no content element: nothing is said")
            elif self._in_page and (len(found) > 1 or found[0] is None or found[0].url):
                self.fault(root, RslFaultCode.BAD_URL, 'in a page there is one content, with url=""')
            return contents, self._max_age(root)
        if root.name in ("rss", "RDF") or (root.space, root.name) == (_ATOM, "feed"):
            return tuple(sorted(self._feed(root), key=lambda content: content.line)), MAX_AGE
        text = f"the outermost element is not rsl of the namespace {NAMESPACE}: not read"
        self.fault(root, RslFaultCode.NOT_RSL, text)
        return (), MAX_AGE

    def _feed(self, root: Element) -> Iterator[RslContent]:
        """The contents of a feed's items. One without a URL of its own is about what the item links to."""
        waiting = [(root, False)]
        while waiting:
            element, is_item = waiting.pop()
            for child in element.children:
                if (child.space, child.name) == (NAMESPACE, "content"):
                    if not is_item:
                        self.fault(child, RslFaultCode.OUTSIDE_ITEM, "a content outside of an item: not read")
                        continue
                    own = child.attributes.get("url")
                    content = self._content(child, own or _linked(element), is_exact=not own)
                    if content is not None:
                        yield content
                elif child.space != NAMESPACE:
                    waiting.append((child, child.name in ("item", "entry")))

    def _max_age(self, root: Element) -> int:
        written = root.attributes.get("max-age")
        found = _DAYS.fullmatch(written) if written is not None else None
        if written is not None and found is None:
            self.fault(root, RslFaultCode.BAD_VALUE, f"max-age is no number of days: {MAX_AGE} are taken")
        return int(found[1]) if found is not None else MAX_AGE

    def _content(self, element: Element, url: str | None, *, is_exact: bool = False) -> RslContent | None:
        self.check_children(element)
        licenses = tuple(self.license(each) for each in element.all(NAMESPACE, "license"))
        if not licenses:
            self.fault(element, RslFaultCode.NO_LICENSE, "a content without a license: it says nothing")
        rights = self.only(element, "copyright")
        schema, terms = self.only(element, "schema"), self.only(element, "terms")
        where = self._where(element, url, is_exact=is_exact)
        has_server, encrypted = "server" in element.attributes, element.attributes.get("encrypted", "false")
        if encrypted not in ("true", "false"):
            self.fault(element, RslFaultCode.BAD_VALUE, "encrypted is neither true nor false: true is taken")
        if encrypted != "false" and not has_server:
            text = "encrypted, and no server that gives the key"
            self.fault(element, RslFaultCode.ENCRYPTED_WITHOUT_SERVER, text)
        if where is None:
            return None
        return RslContent(
            line=element.line,
            url=url or "",
            pattern=where[0],
            authority=where[1],
            licenses=licenses,
            server=self.url(element, "server", element.attributes.get("server")),
            needs_token=has_server or encrypted != "false",
            is_encrypted=encrypted != "false",
            lastmod=self._lastmod(element),
            alternates=tuple(
                (each.attributes.get("type", ""), each.text.strip()) for each in element.all(NAMESPACE, "alternate")
            ),
            schema=schema.text.strip() if schema is not None else "",
            copyright=_copyright(rights) if rights is not None else None,
            terms=self.url(terms, "terms", terms.text.strip()) if terms is not None else "",
        )

    def _where(self, element: Element, url: str | None, *, is_exact: bool) -> tuple[PathPattern, str] | None:
        if url is None:
            self.fault(element, RslFaultCode.BAD_URL, "a content without url: passed over")
            return None
        if not url and self._in_page:
            return HERE, ""
        if url.startswith(("/", "*")) and not url.startswith("//"):
            return PathPattern.parse(url), ""
        target, named = parse_target(url)
        scheme = url.partition(":")[0].lower()
        authority = parse_authority(named, scheme) if named else None
        if authority is None or scheme not in ("http", "https"):
            text = "url is neither a path with a leading slash nor an absolute URL: the content is passed over"
            self.fault(element, RslFaultCode.BAD_URL, text)
            return None
        return PathPattern.parse(f"{_literal(target)}$" if is_exact else target), authority

    def _lastmod(self, element: Element) -> str:
        written = element.attributes.get("lastmod", "")
        if not written or _TIME.fullmatch(written):
            return written
        self.fault(element, RslFaultCode.BAD_VALUE, "lastmod is no date and time of RFC 3339: not used")
        return ""


def _copyright(element: Element) -> RslCopyright:
    return RslCopyright(
        line=element.line,
        type=element.attributes.get("type", ""),
        email=element.attributes.get("contactEmail", ""),
        url=element.attributes.get("contactUrl", ""),
        text=element.text.strip(),
    )


def _linked(item: Element) -> str | None:
    """The URL of a feed's item; None where it has none."""
    for child in item.children:
        if (
            child.name == "link"
            and child.space != NAMESPACE
            and child.attributes.get("rel", "alternate") == "alternate"
        ):
            return child.attributes.get("href", child.text).strip() or None
    return None


def _literal(target: str) -> str:
    return target.replace("*", "%2A").replace("$", "%24")
