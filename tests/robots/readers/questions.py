"""Generated robots.txt files, and questions about each: eight a file, close to what its rules say.

Paths are as a request carries them, so that another reader can be asked with the very same text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from optout.robots.readers import on_the_wire
from tests.property.test_robots_property import TOKENS, a_file, a_path, a_path_near

# Lines that only some readers understand.
_ODD_LINES = (
    *(
        b"Crawl-delay: 5",
        b"Crawl-delay: \xc2\xb2",
        b"Request-rate: 1/5",
        b"Request-rate: 1/\xc2\xb3",
        b"Sitemap: /s.xml",
    ),
    *(b"Useragent: FooBot", b"User agent: *", b"Dissallow: /", b"Allowed: /a", b"User-agent FooBot", b"Disallow /a"),
    *(b"User-agent: * x", b"User-agent: *x", b"User-agent: Foo Bot", b"Allow: /a/index.html", b"Allow: /index.htm*"),
    *(b"Disallow: /a;b?", b"Disallow: http://x/a", b"Disallow: //[a", b"Disallow: ///a", b"Disallow: /a$*$", b""),
)


def questions(seed: int, files: int) -> Iterator[tuple[bytes, list[tuple[str, str]]]]:
    """`files` files with eight (token, path) each, the same for the same seed."""
    dice = random.Random(seed)
    for _ in range(files):
        patterns: list[str] = []
        lines = a_file(dice, patterns).split(b"\n")
        for _ in range(dice.choice([0, 0, 1, 2])):
            lines.insert(dice.randint(0, len(lines)), dice.choice(_ODD_LINES))
        asked = []
        for _ in range(8):
            near = patterns and dice.random() < 0.9
            path = a_path_near(dice, dice.choice(patterns)) if near else a_path(dice)
            asked.append((dice.choice(TOKENS), on_the_wire(path)))
        yield b"\n".join(lines), asked
