"""What a request would rather have, by Accept (RFC 9110 section 12.5.1): only types that are named as such count."""

from __future__ import annotations

import re
from functools import lru_cache

from optout.messages import Fields

_LONGEST_ACCEPT = 1024
_MOST_ACCEPTS = 8
_QUALITY = re.compile(r"[ \t]*;[ \t]*q=([01](?:\.[0-9]{0,3})?)[ \t]*\Z", re.IGNORECASE)
_HTML, _MARKDOWN, _PROBLEM, _JSON = "text/html", "text/markdown", "application/problem+json", "application/json"


def prefers_html(fields: Fields) -> bool:
    """Whether Accept ranks text/html above problem details."""
    ranks = _ranks(_values(fields))
    return ranks[_HTML] > max(ranks[_PROBLEM], ranks[_JSON])


def prefers_markdown(fields: Fields) -> bool:
    """Whether Accept ranks text/markdown above text/html: programs that feed a model ask so."""
    ranks = _ranks(_values(fields))
    return ranks[_MARKDOWN] > ranks[_HTML]


def _values(fields: Fields) -> tuple[str, ...]:
    return tuple([value[:_LONGEST_ACCEPT] for value in fields.all("accept")[:_MOST_ACCEPTS]])


@lru_cache(maxsize=512)  # a crawler says the same with every request; strangers write it, so it is bounded
def _ranks(accepts: tuple[str, ...]) -> dict[str, float]:
    """The quality of each media type; 0 for one that is not named."""
    ranks = dict.fromkeys((_HTML, _MARKDOWN, _PROBLEM, _JSON), 0.0)
    for accept in accepts:
        for part in accept.split(","):
            name = part.partition(";")[0].strip(" \t").lower()
            if name in ranks:
                quality = _QUALITY.search(part)
                ranks[name] = float(quality.group(1)) if quality else 1.0
    return ranks
