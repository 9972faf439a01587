"""RL1xx: license documents (RSL 1.0, Really Simple Licensing, December 2025)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from optout.lint.base import Found, Rule, Severity, shown
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_model import Rsl, RslFaultCode, RslLicense

_RSL = "RSL 1.0, "


@dataclass(frozen=True)
class RslSource:
    """A license document: its bytes, and what the parser made of them."""

    data: bytes

    @cached_property
    def rsl(self) -> Rsl:
        """As RSL reads it."""
        return parse_rsl(self.data)

    @cached_property
    def licenses(self) -> tuple[RslLicense, ...]:
        """Every license of every content."""
        return tuple(each for content in self.rsl.contents for each in content.licenses)


def _of(*codes: RslFaultCode) -> Callable[[RslSource], Iterator[Found]]:
    def check(source: RslSource) -> Iterator[Found]:
        return (Found(fault.line, shown(fault.text)) for fault in source.rsl.faults if fault.code in codes)

    return check


def _both_ways(source: RslSource) -> Iterator[Found]:
    for each in source.licenses:
        permitted = {(tokens.type, token) for tokens in each.permits for token in tokens.tokens}
        for tokens in each.prohibits:
            both = [token for token in tokens.tokens if (tokens.type, token) in permitted]
            if both:
                yield Found(tokens.line, f"{shown(' '.join(both))}: what a license prohibits it does not permit")


def _same_url(source: RslSource) -> Iterator[Found]:
    first: dict[tuple[str, bytes], int] = {}
    for content in source.rsl.contents:
        key = content.authority, content.pattern.octets
        line = first.setdefault(key, content.line)
        if line != content.line:
            yield Found(content.line, f"the content of line {line} is about the same URL: the stricter of both counts")


def _free_with_token(source: RslSource) -> Iterator[Found]:
    for content in source.rsl.contents:
        for each in content.licenses:
            if content.needs_token and (each.payment is None or each.payment.type == "free"):
                yield Found(each.line, "a free license, for which a token of the license server is needed all the same")


def _no_usage(source: RslSource) -> Iterator[Found]:
    for each in source.licenses:
        if not any(tokens.type == "usage" for tokens in (*each.permits, *each.prohibits)):
            yield Found(each.line, "no list says which uses are meant")


def _insecure(source: RslSource) -> Iterator[Found]:
    for content in source.rsl.contents:
        payments = [each.payment for each in content.licenses if each.payment is not None]
        for line, name, url in (
            (content.line, "server", content.server),
            (content.line, "terms", content.terms),
            *((each.line, "custom", url) for each in payments for url in each.custom),
        ):
            if url.lower().startswith("http:"):
                yield Found(line, f"{name}: whoever sits between can put another in its place")


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE
_Code = RslFaultCode

RSL: tuple[Rule[RslSource], ...] = (
    Rule(
        code="RL101",
        severity=_E,
        title="the file is no XML",
        why="Readers give up at the first mistake. Then nothing is licensed, and nothing prohibited either.",
        example='<license><permits type="usage">search</license>',
        instead='<license><permits type="usage">search</permits></license>',
        reference="XML 1.0 section 2.1",
        check=_of(_Code.NOT_XML, _Code.NOT_UTF_8, _Code.TOO_DEEP),
    ),
    Rule(
        code="RL102",
        severity=_E,
        title="the file has a document type",
        why="A document type can make a few lines into gigabytes and read files of whoever reads it, so no careful "
        "reader goes on behind one.",
        example='<!DOCTYPE rsl>\n<rsl xmlns="https://rslstandard.org/rsl">',
        instead='<rsl xmlns="https://rslstandard.org/rsl">',
        reference="XML 1.0 section 2.8; CWE-611, CWE-776",
        check=_of(_Code.DOCTYPE),
    ),
    Rule(
        code="RL103",
        severity=_W,
        title="the file is longer than readers read",
        why="What is behind the limit does not exist, and in doubt nothing is permitted.",
        example="a file of 600,000 octets, or of 10,001 elements",
        instead="patterns that cover several pages",
        reference="docs/signals.md",
        check=_of(_Code.TOO_LARGE, _Code.TOO_MANY),
    ),
    Rule(
        code="RL104",
        severity=_E,
        title="the file is not RSL",
        why="An RSL document is known by the namespace of its outermost element. Without it nobody reads the file.",
        example='<rsl><content url="/"><license/></content></rsl>',
        instead='<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license/></content></rsl>',
        reference=_RSL + "document",
        check=_of(_Code.NOT_RSL),
    ),
    Rule(
        code="RL105",
        severity=_E,
        title="an element stands where RSL has none",
        why="It makes the document non-conformant, also if it is only misspelled. Extensions need a namespace of "
        "their own.",
        example='<license><permit type="usage">search</permit></license>',
        instead='<license><permits type="usage">search</permits></license>',
        reference=_RSL + "extensions",
        check=_of(_Code.UNKNOWN_ELEMENT, _Code.OUTSIDE_ITEM),
    ),
    Rule(
        code="RL106",
        severity=_E,
        title="a content names no URL that could be meant",
        why="A url is a path with a leading slash, wildcards as in robots.txt, or an absolute URL. The content is "
        "passed over.",
        example='<content url="gallery/"><license/></content>',
        instead='<content url="/gallery/"><license/></content>',
        reference=_RSL + "content",
        check=_of(_Code.BAD_URL),
    ),
    Rule(
        code="RL107",
        severity=_E,
        title="a content has no license",
        why="It says who owns something and not what may be done with it: nothing is licensed, nothing prohibited.",
        example='<content url="/"><terms>https://site.example/terms</terms></content>',
        instead='<content url="/"><license><prohibits type="usage">ai-all</prohibits></license></content>',
        reference=_RSL + "content",
        check=_of(_Code.NO_LICENSE, _Code.NO_CONTENT),
    ),
    Rule(
        code="RL108",
        severity=_E,
        title="an element is given twice, where there is at most one",
        why="Readers take the first, the last or none. Put all tokens of a type into one list.",
        example='<permits type="usage">search</permits><permits type="usage">ai-index</permits>',
        instead='<permits type="usage">search ai-index</permits>',
        reference=_RSL + "license",
        check=_of(_Code.DUPLICATE_ELEMENT),
    ),
    Rule(
        code="RL109",
        severity=_E,
        title="a type is missing or unknown",
        why="Nobody can tell what the element demands, so in doubt nothing is permitted.",
        example="<permits>search</permits>",
        instead='<permits type="usage">search</permits>',
        reference=_RSL + "license",
        check=_of(_Code.BAD_TYPE),
    ),
    Rule(
        code="RL110",
        severity=_E,
        title="a token is unknown",
        why="It says nothing. RSL's words are not those of other signals: ai-train here, train-ai in Content-Usage.",
        example='<prohibits type="usage">train-ai</prohibits>',
        instead='<prohibits type="usage">ai-train</prohibits>',
        reference=_RSL + "permits, prohibits",
        check=_of(_Code.UNKNOWN_TOKEN),
    ),
    Rule(
        code="RL111",
        severity=_W,
        title="a spelling of RSL 0.9",
        why="Tokens stand between blanks since 1.0, the payment for inference is called use, and XBT is gone.",
        example='<permits type="usage">search,ai-index</permits>',
        instead='<permits type="usage">search ai-index</permits>',
        reference=_RSL + "changes since 0.9",
        check=_of(_Code.OLD_SPELLING),
    ),
    Rule(
        code="RL112",
        severity=_E,
        title="a price cannot be read",
        why="A machine that wants to pay needs a decimal number, and a currency of three capital letters.",
        example='<payment type="crawl"><amount currency="euro">0,01</amount></payment>',
        instead='<payment type="crawl"><amount currency="EUR">0.01</amount></payment>',
        reference=_RSL + "payment; ISO 4217",
        check=_of(_Code.BAD_AMOUNT),
    ),
    Rule(
        code="RL113",
        severity=_E,
        title="encrypted content has no license server",
        why="The key comes from the server, so nobody can ever read the content.",
        example='<content url="/" encrypted="true"><license/></content>',
        instead='<content url="/" encrypted="true" server="https://api.site.example/"><license/></content>',
        reference=_RSL + "content",
        check=_of(_Code.ENCRYPTED_WITHOUT_SERVER),
    ),
    Rule(
        code="RL114",
        severity=_W,
        title="a value cannot be used",
        why="It is left out, or taken in its strictest reading.",
        example='<content url="/" server="api.site.example"><license/></content>',
        instead='<content url="/" server="https://api.site.example/"><license/></content>',
        reference=_RSL + "document",
        check=_of(_Code.BAD_VALUE),
    ),
    Rule(
        code="RL115",
        severity=_W,
        title="a license permits what it prohibits",
        why="What is prohibited counts, so the permission is not there.",
        example='<permits type="usage">search ai-train</permits><prohibits type="usage">ai-train</prohibits>',
        instead='<permits type="usage">search</permits><prohibits type="usage">ai-train</prohibits>',
        reference=_RSL + "permits, prohibits",
        check=_both_ways,
    ),
    Rule(
        code="RL116",
        severity=_W,
        title="two contents are about the same URL",
        why="Their order means nothing. Several offers for one URL are several licenses in one content.",
        example='<content url="/"><license/></content>\n<content url="/"><license/></content>',
        instead='<content url="/"><license/><license/></content>',
        reference=_RSL + "content",
        check=_same_url,
    ),
    Rule(
        code="RL117",
        severity=_W,
        title="a free license takes a token",
        why="Where a content names a server, every use needs a token, also a free one. Search engines have none.",
        example='<content url="/" server="https://api.site.example/"><license>'
        '<permits type="usage">search</permits></license></content>',
        instead='<content url="/"><license><permits type="usage">search</permits></license></content>\n'
        '<content url="/archive/" server="https://api.site.example/"><license>'
        '<permits type="usage">ai-train</permits><payment type="training"/></license></content>',
        reference=_RSL + "content",
        check=_free_with_token,
    ),
    Rule(
        code="RL118",
        severity=_N,
        title="a license does not say for which uses",
        why="Whether it then covers all uses is a matter of reading. Say it: `all`, or which.",
        example='<license><payment type="crawl"/></license>',
        instead='<license><permits type="usage">all</permits><payment type="crawl"/></license>',
        reference=_RSL + "permits, prohibits",
        check=_no_usage,
    ),
    Rule(
        code="RL119",
        severity=_W,
        title="a server or terms are not asked over https",
        why="Terms that can be changed on the way are no terms, and a token must not be seen there.",
        example='<content url="/" server="http://api.site.example/"><license/></content>',
        instead='<content url="/" server="https://api.site.example/"><license/></content>',
        reference=_RSL + "discovery",
        check=_insecure,
    ),
)
"""Every rule for a license document, by code."""
