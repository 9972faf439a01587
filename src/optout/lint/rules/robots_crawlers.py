"""RT3xx: what the named crawlers make of it, as far as the registry knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from optout.crawlers.model import Crawler, Honors, Purpose
from optout.lint.base import Found, RobotsSource, Rule, Severity, shown

_DELAYED = "crawl-delay"
_NAME = re.compile(r"[A-Za-z_-]{1,64}")
_SHORTEST_NAME = 6  # letters: shorter names come near each other by chance
_LONG_NAME = 9  # real files name other crawlers that are a letter away from shorter ones


def _known(source: RobotsSource) -> Iterator[tuple[int, Crawler]]:
    for line, key, value in source.records:
        crawler = source.registry.by_name(value) if key == "user-agent" else None
        if crawler is not None:
            yield line, crawler


def _deaf(source: RobotsSource) -> Iterator[Found]:
    for line, crawler in _known(source):
        if crawler.honors_robots is Honors.NO:
            yield Found(line, f"{shown(crawler.name)} ({shown(crawler.operator)}) does not obey robots.txt")


def _control_tokens(source: RobotsSource) -> Iterator[Found]:
    for line, crawler in _known(source):
        if Purpose.CONTROL_TOKEN in crawler.purposes:
            carrier = f": {shown(crawler.governed_by)} fetches the pages all the same" if crawler.governed_by else ""
            yield Found(line, f"{shown(crawler.name)} is a word about a use and never fetches anything{carrier}")


def _delays(source: RobotsSource) -> Iterator[Found]:
    for line, key, _ in source.records:
        if key == _DELAYED:
            yield Found(line, "Google ignores it; Bing, Yandex and Scrapy read it, each in its own way")


def _index_lines(source: RobotsSource) -> Iterator[Found]:
    for line, key, _ in source.records:
        if key in ("noindex", "nofollow", "noarchive"):
            yield Found(line, f"{key} is read by nobody here: say it in X-Robots-Tag or in the page")


def _misspelled(source: RobotsSource) -> Iterator[Found]:
    """Names that nobody has and that come near one: work in step with the names, whatever their number."""
    near: dict[str, str] = {}
    for line, key, value in source.records:
        if key != "user-agent" or len(value) < _SHORTEST_NAME or _NAME.fullmatch(value) is None:
            continue
        if source.registry.by_name(value) is not None:
            continue
        near = near or {form: token for token in _tokens(source) for form in _forms(token.lower())}
        candidates = (near[form] for form in _forms(value.lower()) if form in near)
        meant = next((token for token in candidates if _is_slip(value.lower(), token.lower())), None)
        if meant is not None:
            yield Found(line, f"{shown(value)} is no crawler that is known: was {shown(meant)} meant?")


def _is_slip(name: str, token: str) -> bool:
    """A letter too many or too few, or two that changed places; in a long name another letter, too."""
    return len(name) != len(token) or len(name) >= _LONG_NAME or sorted(name) == sorted(token)


def _tokens(source: RobotsSource) -> Iterator[str]:
    for crawler in source.registry.crawlers:
        yield from (token for token in crawler.robots_tokens if len(token) >= _SHORTEST_NAME - 1)


def _forms(name: str) -> Iterator[str]:
    """The name, and the name without any one of its letters: two that share a form differ in two letters at most."""
    yield name
    yield from (name[:at] + name[at + 1 :] for at in range(len(name)))


_W, _N = Severity.WARNING, Severity.NOTE

CRAWLERS: tuple[Rule[RobotsSource], ...] = (
    Rule(
        code="RT301",
        severity=_N,
        title="a control token is no crawler",
        why="It governs what is done with pages that another crawler fetches. To keep that crawler out, name it.",
        example="User-agent: Google-Extended\nDisallow: /",
        instead="keep it, and know that Googlebot still comes",
        reference="the operators' own pages; docs/crawlers.md",
        check=_control_tokens,
    ),
    Rule(
        code="RT302",
        severity=_W,
        title="a crawler is named that does not obey robots.txt",
        why="The rule is a declaration, which counts, but it keeps nobody out. That needs a door.",
        example="User-agent: Bytespider\nDisallow: /",
        instead="keep it, and refuse the crawler where its requests arrive",
        reference="docs/crawlers.md; the registry names its sources",
        check=_deaf,
    ),
    Rule(
        code="RT303",
        severity=_N,
        title="few crawlers read Crawl-delay",
        why="It is not in the standard, and between user-agent lines it breaks groups for some readers.",
        example="Crawl-delay: 10",
        instead="a limit where requests arrive; if you keep it, put it behind the rules",
        reference="docs/robots.md",
        check=_delays,
    ),
    Rule(
        code="RT304",
        severity=_W,
        title="a directive for pages stands in robots.txt",
        why="Google dropped noindex in robots.txt in 2019; nobody else documents it.",
        example="Noindex: /drafts/",
        instead="X-Robots-Tag: noindex",
        reference='Google, "A note on unsupported rules in robots.txt", 2019',
        check=_index_lines,
    ),
    Rule(
        code="RT305",
        severity=_W,
        title="a crawler's name seems misspelled",
        why="Names are compared letter by letter, in either case. Rules below a name that no crawler has bind nobody.",
        example="User-agent: GPT-Bot\nDisallow: /",
        instead="User-agent: GPTBot\nDisallow: /",
        reference="RFC 9309 section 2.2.1; docs/crawlers.md",
        check=_misspelled,
    ),
)
