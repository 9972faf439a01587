"""The sample site: a small atelier with a gallery, a journal, a feed, its own robots.txt and tdmrep.json."""

from __future__ import annotations

import struct
import zlib

from aiohttp import web

AUTHORITY = "atelier.example"

ROBOTS_TXT = """\
# robots.txt of the Atelier, a sample site.
# Search engines are welcome everywhere but in the drafts.
Sitemap: https://atelier.example/sitemap.xml

User-agent: *
Disallow: /drafts/

# Training crawlers may read the journal. The gallery is for those who ask.
User-agent: GPTBot
User-agent: ClaudeBot
User-agent: CCBot
Disallow: /gallery/

# Fetched because somebody asked ChatGPT for it.
User-agent: ChatGPT-User
Disallow: /members/

# Gemini training: a control token, which no request ever carries.
User-agent: Google-Extended
Disallow: /
"""

TDMREP_JSON = """\
[
  {"location": "/gallery/", "tdm-reservation": 1, "tdm-policy": "https://atelier.example/tdm-policy.json"},
  {"location": "/", "tdm-reservation": 0}
]
"""

POLICY_YAML = """\
# The policy of the sample site: what it published is enforced, and the gallery can be licensed.
version: 1
sites: [atelier.example]
mode: enforce
default: allow
on_error: refuse
on_disallow: deny
on_reservation: require-license
contact: rights@atelier.example
terms: /terms
license: https://atelier.example/license.xml

clauses:
  - id: bytespider-asks-first
    crawler: Bytespider
    action: require-license
    reason: this crawler is asked to take a license for every page
"""

LICENSE_XML = """\
<rsl xmlns="https://rslstandard.org/rsl">
  <content url="/gallery/">
    <license>
      <permits type="usage">ai-train</permits>
      <payment type="training"><custom>https://atelier.example/terms</custom></payment>
    </license>
  </content>
</rsl>
"""

_FEED = """\
<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Atelier</title><link>https://atelier.example/</link>
<description>From the journal</description>
<item><title>Herons at dawn</title><link>https://atelier.example/journal/</link></item></channel></rss>
"""

_SITEMAP = """\
<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://atelier.example/</loc></url></urlset>
"""


def _page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} - Atelier</title></head>\n'
        f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def picture(side: int = 96) -> bytes:
    """A PNG of a dawn sky, made here: a sample site needs an image that nobody else made."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes(value for x in range(side) for value in (250 - y, 150 + x // 2, 120 + y)) for y in range(side)
    )
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


_PAGES = {
    "/": ("text/html", _page("Atelier", '<p><a href="/gallery/">Gallery</a> <a href="/journal/">Journal</a></p>')),
    "/gallery/": ("text/html", _page("Gallery", '<img src="/gallery/heron.png" alt="A heron at dawn">')),
    "/journal/": ("text/html", _page("Journal", "<p>Herons stand still for as long as it takes.</p>")),
    "/members/": ("text/html", _page("Members", "<p>Prints on order.</p>")),
    "/drafts/spring": ("text/html", _page("Draft", "<p>Not finished.</p>")),
    "/terms": ("text/html", _page("Terms", "<p>Write to rights@atelier.example for a license.</p>")),
    "/robots.txt": ("text/plain", ROBOTS_TXT),
    "/.well-known/tdmrep.json": ("application/json", TDMREP_JSON),
    "/license.xml": ("application/rsl+xml", LICENSE_XML),
    "/feed.xml": ("application/rss+xml", _FEED),
    "/sitemap.xml": ("application/xml", _SITEMAP),
}


def sample_site() -> web.Application:
    """The sample site as an aiohttp application, without any protection."""
    app = web.Application()
    for path, (kind, text) in _PAGES.items():
        app.router.add_get(path, _serve(text.encode(), kind))
    app.router.add_get("/gallery/heron.png", _serve(picture(), "image/png"))
    return app


def _serve(body: bytes, content_type: str):  # type: ignore[no-untyped-def]  # aiohttp names no public handler type
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type)

    return handler
