"""The requests that are sent through every door, and the site and the policy that they meet.

Whatever a row holds, HTTP's grammar allows: what a door's own parser refuses is in the smuggling tests. A row's name
says what is odd about it, and is what a listed difference selects it by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from optout.crawlers.registry import bundled_registry
from tests.served import CHROME

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request. `kind` is what is odd about it; "" for nothing. `host` None means the site's own name."""

    agent: str
    target: str = "/"
    method: str = "GET"
    fields: Fields = ()
    host: str = "site.example"
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.kind or 'plain'}: {self.method} {self.target} as {self.agent[:60]!r} {self.fields or ''}"


POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
on_disallow: require-license
on_reservation: deny
contact: rights@site.example
terms: /terms
license: /license.xml
tdm_policy: https://site.example/tdm.json
sites: [site.example, photos.example, "site.example:8080"]
clauses:
  - {id: studio, action: deny, purpose: train, path: /studio/, reason: Not for training.}
  - {id: studio-open, action: allow, path: [/studio/, "/*.pdf$"]}
  - {id: watched, action: deny, path: /watched/, mode: observe}
  - {id: as-published, action: published, path: /press/}
  - {id: not-by-post, action: deny, method: POST}
  - {id: seo-stays-out, action: deny, purpose: seo, path: /shop/}
  - {id: no-collections, action: require-license, crawler: CCBot, path: "/*?view=all"}
"""
ROBOTS = """
User-agent: *
Disallow: /drafts/
Disallow: /*.raw$
Sitemap: https://site.example/maps/all.xml

User-agent: GPTBot
User-agent: ChatGPT-User
Disallow: /drafts/
Disallow: /press/
Allow: /press/kit/
Disallow: /caf%C3%A9/
Disallow: /a*b*c$

User-agent: Googlebot
Disallow: /
"""
TDMREP = """[
  {"location": "/gallery/", "tdm-reservation": 1},
  {"location": "/archive/", "tdm-reservation": 1, "tdm-policy": "https://site.example/archive.json"},
  {"location": "/", "tdm-reservation": 0}
]"""
DOCUMENT = {"policy": POLICY, "robots": ROBOTS, "tdmrep": TDMREP}


def agent_of(name: str) -> str:
    """The user agent that the registry gives as an example of a crawler."""
    crawler = bundled_registry().by_name(name)
    assert crawler is not None, name
    return crawler.examples[0] if crawler.examples else f"{name}/1.0"


NAMED = (
    *("GPTBot", "OAI-SearchBot", "ChatGPT-User", "ClaudeBot", "Claude-User", "Claude-SearchBot", "PerplexityBot"),
    *("Perplexity-User", "CCBot", "Bytespider", "Amazonbot", "meta-externalagent", "Googlebot", "bingbot", "Applebot"),
    *("AhrefsBot", "DuckDuckBot", "archive.org_bot", "Slackbot"),
)
OTHERS = (
    CHROME,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
    " Mobile/15E148 Safari/604.1",
    "curl/8.5.0",
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers)",
    "NotGPTBot/1.0",
    "Mozilla/5.0 (compatible; why; +https://example.org/why-we-block-GPTBot)",
    "gptbot",
    "GPTBot/1.2 Googlebot/2.1",
    "Google-Extended/1.0",
    "Mozilla/5.0 (Windows NT 10.0) GPTBot/1.2; ClaudeBot/1.0; CCBot/2.0",
)
PATHS = (
    *("/", "/studio/1", "/press/a", "/press/kit/b", "/drafts/x", "/gallery/7", "/shop/", "/a/b/c", "/robots.txt"),
    "/index.html?page=2",
)
AWKWARD = (
    # What RFC 9309 compares in one way only
    *(
        "/caf%C3%A9/x",
        "/caf%c3%a9/x",
        "/%70ress/a",
        "/press%20/a",
        "/a.pdf",
        "/a.pdf?x=1",
        "/a.raw",
        "/a.raw?",
        "/axbxc",
    ),
    *("/list?view=all", "/list?view=all&p=2", "/?q=%2Fdrafts%2F", "/drafts", "/DRAFTS/x", "/drafts/?", "/watched/a"),
    *(
        "/.well-known/tdmrep.json",
        "/.well-known/acme-challenge/abc_DEF-1",
        "/maps/all.xml",
        "/maps/all.xml?x",
        "/terms",
    ),
    *("/license.xml", "/ai.txt", "/llms.txt", "/license.xml?x", "/terms/", "/.well-known/security.txt", "/archive/1"),
    *("/~user/", "/a'b", "/a(b)", "/a,b", "/a@b", "/a:b", "/a+b", "/a=b&c", "/x" * 300),
)
AMBIGUOUS = (
    *("//drafts/x", "/./drafts/x", "/x/../drafts/x", "/press/../studio/1", "/press;v=1/a", "/studio;/1", "/press%2Fa"),
    *("/%2e%2e/drafts/x", "/x/%2E%2E/studio/1", "/studio//1", "/studio/./1", "/a/..", "/robots.txt/../studio/1"),
    *("/studio%3B/1", "/press/%252e%252e/studio/1", "/.//studio/1", "/studio%2f1", "/x;/../studio/1"),
)
MALFORMED = ("/a%00b", "/a%zz", "/%", "/a%5Cb", "/a%2")
METHODS = ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
TRICKS: tuple[Fields, ...] = (
    (("Accept", "text/html,application/xhtml+xml"),),
    (("Accept", "text/html;q=0.5, application/json"),),
    (("Accept", "application/problem+json"),),
    (("Accept", "*/*"),),
    (("Accept", "text/html"), ("Accept-Language", "de")),
    (("Range", "bytes=0-10"),),
    (("If-None-Match", '"x"'),),
    (("If-Modified-Since", "Wed, 25 Nov 2026 00:00:00 GMT"),),
    (("X-Original-URI", "/robots.txt"),),
    (("X-Forwarded-Uri", "/robots.txt"),),
    (("X-Forwarded-Method", "OPTIONS"),),
    (("X-Original-Method", "OPTIONS"),),
    (("X-Rewrite-URL", "/robots.txt"), ("X-Original-URL", "/robots.txt")),
    (("X-HTTP-Method-Override", "GET"),),
    (("X-Forwarded-Host", "other.example"),),
    (("X-Forwarded-Proto", "gopher"),),
    (("X-Forwarded-For", "66.249.66.1"),),
    (("Forwarded", "for=66.249.66.1;host=other.example"),),
    (("X-Real-IP", "66.249.66.1"), ("CF-Connecting-IP", "66.249.66.1")),
    (("Optout-Ticket", "01a20c34-56ce-71fd-b0e2-70289452840a"),),
    (("From", "bot@crawler.example"),),
    (("Signature-Agent", '"https://chatgpt.com"'),),
    (("Signature-Agent", '"https://nobody.example"'),),
    (("Signature-Input", 'sig1=("@authority");created=1;keyid="x"'), ("Signature", "sig1=:AA==:")),
    (("Authorization", "License abc"),),
    (("Authorization", "Basic dTpw"),),
    (("Cookie", "a=b"), ("Referer", "https://www.google.com/")),
    (("Via", "1.1 cache.example"),),
    (("Connection", "keep-alive, X-Original-URI"),),
    (("Accept-Encoding", "gzip, br"),),
    (("Content-Usage", "train-ai=n"),),
    (("X-Long", "x" * 3000),),
)
HOSTS = ("SITE.example", "site.example.", "site.example:80", "site.example:8080", "photos.example", "other.example")


def rows() -> Iterator[Row]:
    """All rows, in order."""
    agents = [*(agent_of(name) for name in NAMED), *OTHERS]
    yield from (Row(agent=agent, target=path) for agent, path in product(agents, PATHS))
    gptbot, claude, ccbot = agent_of("GPTBot"), agent_of("Claude-User"), agent_of("CCBot")
    for agent in (gptbot, ccbot, CHROME):
        yield from (Row(agent=agent, target=target) for target in AWKWARD)
        yield from (Row(agent=agent, target=target, kind="ambiguous") for target in AMBIGUOUS)
        yield from (Row(agent=agent, target=target, kind="malformed") for target in MALFORMED)
    for agent, target in product((gptbot, claude, CHROME, agent_of("Googlebot")), ("/", "/studio/1", "/robots.txt")):
        yield from (Row(agent=agent, target=target, method=method) for method in METHODS)
    for agent, target in product((gptbot, CHROME), ("/studio/1", "/a/b/c")):
        yield from (Row(agent=agent, target=target, fields=fields, kind="fields") for fields in TRICKS)
    yield from (
        Row(agent=agent, target="/studio/1", host=host, kind="host") for host in HOSTS for agent in (gptbot, CHROME)
    )
