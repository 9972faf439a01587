"""How an origin may read a request target that can be read in more than one way (design part 5.5).

A front that judges one path while the origin serves another is how exemptions are bypassed (peers.md part 7, path
confusion). So every reading is judged and the strictest stands. Only what no origin reads sensibly is malformed:
NUL, backslash, broken escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_AMBIGUOUS = re.compile(r"//|/\.|[;\\]|%2[eEfF5]|%3[bB]|%5[cC]")
_MALFORMED = re.compile(r"[\x00\\]|%00|%5[cC]|%(?![0-9a-fA-F]{2})")
# The escapes that change which resource a path means; all others compare alike in robots.normalize_path.
_DELIMITER = re.compile(r"%(2[eEfF5]|3[bB]|5[cC])")
_PARAMETERS = re.compile(r";[^/]*")
_SLASHES = re.compile(r"/{2,}")
_NETWORK_PATH = re.compile(r"//[^/]*")


def is_malformed(path: str) -> bool:
    """Whether a path carries NUL, a backslash or a broken percent-escape."""
    return _MALFORMED.search(path) is not None


def readings(target: str) -> tuple[str, ...]:
    """Every way in which an origin may read `target`, as received first; one for almost all requests.

    The work is linear in the target's length: a fixed number of passes, and at most 90 readings.
    """
    sent, hash_mark, _ = target.partition("#")
    if hash_mark:  # never sent by a browser; aiohttp and nginx cut it off, others take it for a part of the path
        return (target, *readings(sent), *readings(target.replace("#", "%23")))
    path, mark, query = target.partition("?")
    if _AMBIGUOUS.search(path) is None:
        return (target,)
    found: dict[str, None] = {path: None}
    for text in _texts(path):
        collapsed = _SLASHES.sub("/", text)
        for reading in (text, collapsed, _without_dots(text), _without_dots(collapsed)):
            found[reading or "/"] = None
        network_path = _NETWORK_PATH.match(text)  # `//host/path`, RFC 3986 section 4.2
        if network_path is not None:
            found[_without_dots(text[network_path.end() :] or "/")] = None
    return tuple(reading + mark + query for reading in found)


def _texts(path: str) -> Iterator[str]:
    """The texts that a path may stand for, before slashes and dots are looked at."""
    once = _decode(path)
    for base in dict.fromkeys((path, once, _decode(once))):
        yield from dict.fromkeys((base, _PARAMETERS.sub("", base), base.replace("\\", "/")))


def _decode(path: str) -> str:
    return _DELIMITER.sub(lambda escape: chr(int(escape.group(1), 16)), path)


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, remove_dot_segments, for a path that starts with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1:] in (["."], [".."]):
        kept.append("")
    return "/" + "/".join(kept)
