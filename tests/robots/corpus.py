"""robots.txt files in the style of large sites, from a seeded generator, and mutants of them.

None is anybody's file. What real files have in common is here: managed blocks put before the owner's own, long lists of
crawlers, platform defaults, signals, misspelled keys, foreign octets, HTML in place of a file, files past the limit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

_TOKENS = (
    *("*", "Googlebot", "bingbot", "GPTBot", "ClaudeBot", "CCBot", "Google-Extended", "Bytespider", "Amazonbot"),
    *("PerplexityBot", "Applebot-Extended", "meta-externalagent", "Twitterbot", "AhrefsBot", "SemrushBot", "Slurp"),
    *("Mediapartners-Google", "googlebot-news", "GPT-Bot", "ClaudBot", "anthropic-ai", "Baiduspider", "MJ12bot"),
    *("Mozilla/5.0 (compatible; Foo/1.0)", "foo bot", "008", "a, b", "", "Crawler\u00e9"),
)
_WORDS = (
    "search",
    "cart",
    "wp-admin",
    "api",
    "user",
    "tag",
    "print",
    "en",
    "news",
    "img",
    "private",
    "\u30c4",
    "caf\u00e9",
)
_KEYS = (
    *(
        "Disallow",
        "Disallow",
        "Disallow",
        "Disallow",
        "Allow",
        "disallow",
        "DISALLOW",
        "allow ",
        "Dissallow",
        "Disalow",
    ),
    *("Noindex", "Disallow\t", "Allow"),
)
_PATTERNS = (
    "/{}/",
    "/{}",
    "/*/{}$",
    "/*?{}=",
    "/{}/*.php$",
    "*{}",
    "{}",
    "/{}%2F",
    "/%7E{}",
    "/%{}",
    "/$",
    "/",
    "",
    "/*",
)
_OTHERS = (
    *(
        "Sitemap: https://site.example/{}.xml",
        "Sitemap: /{}.xml",
        "Crawl-delay: 10",
        "Crawl-delay: 0.5",
        "Host: {}.example",
    ),
    *("Clean-param: {}&s /", "Request-rate: 1/5", "Visit-time: 0600-0845", "Content-Signal: search=yes,ai-train=no"),
    *("Content-Signal: /{} ai-train=yes, use=reference", "Content-Usage: train-ai=n", "Content-Usage: /{} train-ai=y"),
    *("Content-Usage: ai-train=no", "License: https://site.example/{}.xml", "License: /{}.xml", "{} without a colon"),
    *("# {} # {}", "#", "", "", "   ", "\t", "<!-- {} -->", "User agent: {}", "Site-map: https://site.example/{}"),
)
_ENDS = ("\n", "\n", "\n", "\r\n", "\r")


def corpus(count: int, seed: int = 9309) -> Iterator[bytes]:
    """`count` files; the same for the same seed."""
    chance = random.Random(seed)
    for number in range(count):
        make = _RARE.get(number % 40, _ordinary)
        yield make(chance)


def mutants(files: Sequence[bytes], count: int, seed: int = 100) -> Iterator[bytes]:
    """`count` files, each with a few octets or lines changed, taken out, doubled or moved."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(files))
        for _ in range(chance.randint(1, 4)):
            _MUTATIONS[chance.randrange(len(_MUTATIONS))](data, chance)
        yield bytes(data)


def _word(chance: random.Random) -> str:
    return chance.choice(_WORDS) + (str(chance.randrange(1000)) if chance.random() < 0.5 else "")


def _lines(chance: random.Random) -> Iterator[str]:
    if chance.random() < 0.2:
        yield from _managed(chance)
    for _ in range(chance.choice((1, 1, 2, 3, 8, 30))):
        for _ in range(chance.choice((1, 1, 1, 2, 12))):
            yield f"{chance.choice(('User-agent', 'User-Agent', 'user-agent', 'Useragent'))}: {chance.choice(_TOKENS)}"
            if chance.random() < 0.05:
                yield _other(chance)
        for _ in range(chance.choice((0, 1, 2, 5, 20, 60))):
            pattern = chance.choice(_PATTERNS).format(_word(chance))
            yield f"{chance.choice(_KEYS)}: {pattern}{'  # why' if chance.random() < 0.05 else ''}"
            if chance.random() < 0.08:
                yield _other(chance)
        if chance.random() < 0.8:
            yield ""
    for _ in range(chance.randrange(5)):
        yield _other(chance)


def _other(chance: random.Random) -> str:
    return chance.choice(_OTHERS).replace("{}", _word(chance))


def _managed(chance: random.Random) -> Iterator[str]:
    yield "# BEGIN managed content"
    yield from ("User-agent: *", "Content-Signal: search=yes,ai-train=no")
    if chance.random() < 0.7:
        yield "Allow: /"
    for token in _TOKENS[3:9]:
        yield from ("", f"User-agent: {token}", "Disallow: /")
    yield from ("# END managed content", "")


def _ordinary(chance: random.Random) -> bytes:
    end = chance.choice(_ENDS)
    data = end.join(_lines(chance)).encode("latin-1" if chance.random() < 0.02 else "utf-8", "replace")
    return data + (end.encode() if chance.random() < 0.8 else b"")


def _with_mark(chance: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + _ordinary(chance)


def _html(chance: random.Random) -> bytes:
    return b"<!DOCTYPE html><html><head><title>404: not found</title></head>\n<body>" + _ordinary(chance) + b"</body>"


def _wide(chance: random.Random) -> bytes:
    return _ordinary(chance).decode("utf-8", "replace").encode("utf-16")


def _long_line(chance: random.Random) -> bytes:
    return _ordinary(chance) + b"\nDisallow: /" + b"a*" * chance.randrange(10_000) + b"$\n"


def _long_list(chance: random.Random) -> bytes:
    rules = (f"Disallow: /{_word(chance)}/{number}" for number in range(chance.choice((500, 2_000))))
    return "\n".join(("User-agent: *", *rules)).encode()


_RARE: dict[int, Callable[[random.Random], bytes]] = {
    7: _with_mark,
    13: _html,
    19: _long_line,
    23: _wide,
    29: _long_list,
    31: lambda _: b"",
}


def _replace(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.choice(b"\x00\r\n:#*$%/ \t\xff\xc3aA\xef\x85")


def _insert(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    pieces = (
        b"\n",
        b"\r",
        b"\r\n",
        b":",
        b"#",
        b"*",
        b"$",
        b"%",
        b"%2",
        b"User-agent: ",
        b"\nUser-agent: *\n",
        b"\x00",
    )
    data[at:at] = chance.choice((*pieces, b"\nDisallow: /\n", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x0b", b"\n\n"))


def _cut(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    del data[at : at + chance.choice((1, 1, 2, 10, 200))]


def _double(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = data[at : at + chance.choice((1, 10, 200))]


def _swap_lines(data: bytearray, chance: random.Random) -> None:
    lines = bytes(data).splitlines(keepends=True)
    if len(lines) > 1:
        one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[one], lines[two] = lines[two], lines[one]
        data[:] = b"".join(lines)


_MUTATIONS = (_replace, _replace, _insert, _insert, _cut, _double, _swap_lines)
