"""A first look for RE2, as `recognition.glances` is one for PCRE: wider than `re2`, and many times cheaper.

Most people's user agents are `recognition.ORDINARY`. The others', of apps and televisions, hold no crawler's name
either, and must not pay for expressions that look at boundaries and addresses. This one asks only whether a word
begins like a name of any crawler that the edge acts upon.
"""

from __future__ import annotations

from collections.abc import Collection

from optout.compilers.recognition import Group
from optout.compilers.recognition.spelled_names import RE2_UNITS, units_of
from optout.compilers.recognition.word_tries import Trie


def glance_re2(groups: Collection[Group]) -> str:
    """The expression: found in each user agent that names a crawler of `groups`."""
    texts = {token.text.lower() for group in groups for token, _ in group.spellings}
    names = Trie(units_of(text, RE2_UNITS) for text in sorted(texts))
    return rf"(?i)(?:^|[^A-Za-z0-9_-]|%[0-9a-f][0-9a-f]){names.expression() if names else '[^ -~]{9}$'}"
